#include "lib/trouble.h"

#include "base/clock.h"

#include <epicsUnitTest.h>
#include <string.h>

static const char client_word[] = "Client ";

static int is(const struct trouble *t, const char *record)
{
    return !t->is_client && strcmp(t->name + strlen("sim1:"), record) == 0;
}

/* They are over when the connection is there again. */
static int passes(const struct trouble *t)
{
    return is(t, "Crash") || is(t, "Restart") || is(t, "RestartSaved") || is(t, "Disconnect");
}

int trouble_cuts(const struct trouble *t)
{
    return passes(t) || is(t, "Missing");
}

/* While it begins the library stands still, and should not for long. */
static void connect_all(const struct trouble *t)
{
    const char *const names[] = {"cam1:Acquire", "cam1:Acquire_RBV", "cam1:DetectorState_RBV",
                                 t->name};
    probe_connect(t->d->probe, names, is(t, "Pause") ? 3 : 4);
}

void trouble_plan(struct trouble *t, struct detector *d, const char *what)
{
    const char *equals = strchr(what, '=');
    *t = (struct trouble){.d = d, .what = what};
    t->is_client = strncmp(what, client_word, strlen(client_word)) == 0;
    if (t->is_client) {
        sscanf(what + strlen(client_word), "%63s %63s", t->name, t->value);
        probe_get(d->probe, t->name, t->before, sizeof t->before);
    } else {
        snprintf(t->name, sizeof t->name, "sim1:%.*s", (int)strcspn(what, "="), what);
        snprintf(t->value, sizeof t->value, "%s", equals ? equals + 1 : "1");
    }
    connect_all(t);
}

/* That one that was asked for has begun, or has ended. */
static void await_acquisition(struct probe *probe)
{
    char asked[64] = "Acquire", runs[64] = "";
    double deadline = oph__now() + 10;
    while (strcmp(asked, "Acquire") == 0 && strcmp(runs, "Acquiring") != 0) {
        if (oph__now() > deadline) testAbort("cam1:Acquire is Acquire, and nothing acquires");
        probe_get(probe, "cam1:Acquire_RBV", runs, sizeof runs);
        probe_get(probe, "cam1:Acquire", asked, sizeof asked);
    }
}

/* A put to it that came before is over, so that it is not the one that gets stuck. */
static void await_rest(struct probe *probe, const char *record)
{
    char pact[80];
    double deadline = oph__now() + 10;
    snprintf(pact, sizeof pact, "%s.PACT", record);
    while (probe_get_number(probe, pact) > 0)
        if (oph__now() > deadline) testAbort("a put to %s does not end", record);
}

void trouble_begin(void *user)
{
    const struct trouble *t = user;
    struct probe *probe = t->d->probe;
    int acquires = strcmp(t->name, "cam1:Acquire") == 0;
    int captures = strcmp(t->name, "HDF1:Capture") == 0;
    char now[64];
    probe_attach(probe);
    probe_get(probe, "cam1:Acquire", now, sizeof now);
    if (is(t, "PutStuck")) await_rest(probe, t->value);
    if (is(t, "Pause")) {
        sim_pause(t->d->sim);
    } else if (trouble_cuts(t)) {
        probe_put(probe, t->name, t->value);
        probe_until_up(probe, t->name, 0, 10);
    } else if (t->is_client && (acquires || captures)) {
        probe_put(probe, t->name, t->value);
        probe_get(probe, t->name, now, sizeof now); /* after it on the circuit */
        /* There is no frame yet, so that it cannot open a file. */
        if (captures) probe_until(probe, t->name, "Done", 10);
        if (acquires) await_acquisition(probe);
    } else {
        probe_put_complete(probe, t->name, t->value, 10);
        if (is(t, "SomebodyElse")) probe_until(probe, "cam1:Acquire_RBV", "Acquiring", 10);
    }
}

void trouble_begin_in_stage(void *user)
{
    const struct trouble *t = user;
    probe_attach(t->d->probe);
    probe_until(t->d->probe, "HDF1:FilePathExists_RBV", "Yes", 10);
    trouble_begin(user);
}

void trouble_begin_in_exposure(void *user)
{
    const struct trouble *t = user;
    probe_attach(t->d->probe);
    probe_until(t->d->probe, "cam1:Armed", "Armed", 10); /* with its settings */
    trouble_begin(user);
}

void trouble_end(struct trouble *t)
{
    int is_text = t->value[strspn(t->value, "0123456789.")] != '\0';
    if (t->is_client)
        probe_put_complete(t->d->probe, t->name, t->before, 10);
    else if (is(t, "Pause"))
        sim_resume(t->d->sim);
    else if (is(t, "Crash"))
        sim_restart(t->d->sim);
    else if (!passes(t))
        probe_put(t->d->probe, t->name, is_text ? "" : "0");
}
