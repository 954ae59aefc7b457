/* What may be read and written, and by which name; see test_danger.c. */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/plain.h"
#include "lib/probe.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <string.h>

static struct probe *probe;

static void test_write_access(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row guarded guarded rw any config\n"
                                        "row sel sel rw any config\n"
                                        "row type waveform.FTVL rw any config\n"
                                        "row name ai.NAME rw any config\n"
                                        "row disabled disabled rw any config\n"
                                        "row disp disabled.DISP rw any config\n");
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    plain_settle(ctx, dev);
    plain_refused(plain_signal(dev, "sel"), OPH_INT(1), NULL, OPH_EACCESS, "p:sel", NULL);
    plain_refused(plain_signal(dev, "type"), OPH_CSTR("LONG"), NULL, OPH_EACCESS, "p:waveform.FTVL",
                  NULL);
    plain_refused(plain_signal(dev, "name"), OPH_CSTR("x"), NULL, OPH_EACCESS, "p:ai.NAME", NULL);

    /* What is disabled may be written, as its access rights say; the IOC refuses it. */
    int rc = oph_put(dev, "disabled", 5, &err);
    check_refused(rc, &err, OPH_EPUT, "dev.disabled", "p:disabled", "5", NULL);
    check_done(oph_get_double(dev, "disabled", &value, &err), &err, "it can be read");
    testOk(value == 1, "and is what it was");
    check_done(oph_put(dev, "disp", 0, &err), &err, "enabled");
    check_done(oph_put(dev, "disabled", 5, &err), &err, "it can be written");
    check_done(oph_put(dev, "disp", 1, &err), &err, "disabled again");
    oph_device_free(dev);
    oph_context_free(ctx);
}

static void test_changing_access(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row guarded guarded rw any config\n"
                                        "row closed closed rw any config\n");
    struct events said;
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    plain_settle(ctx, dev);
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "guarded", NULL);
    events_have(&said, "1", 10);
    probe_set(probe, "guard", "RO");
    testOk1(events_have(&said, "access:r", 10));
    plain_refused(plain_signal(dev, "guarded"), OPH_INT(2), NULL, OPH_EACCESS, "p:guarded", NULL);
    check_done(oph_get_double(dev, "guarded", &value, &err), &err, "it can be read");
    events_forget(&said);
    probe_set(probe, "guard", "NONE");
    testOk1(events_have(&said, "access:", 10));
    int rc = oph_get_double(dev, "guarded", &value, &err);
    check_refused(rc, &err, OPH_EACCESS, "dev.guarded", "p:guarded", NULL, NULL);
    events_forget(&said);
    probe_set(probe, "guard", "DEFAULT");
    testOk1(events_have(&said, "access:rw", 10));
    check_done(oph_put(dev, "guarded", 3, &err), &err, "it can be written again");
    oph_subscription_free(sub);
    events_free(&said);

    /* One that never could be read says so at once, not after a timeout. */
    rc = oph_get_double(dev, "closed", &value, &err);
    check_refused(rc, &err, OPH_EACCESS, "dev.closed", "p:closed", NULL, NULL);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* A $ makes a text long, but only behind a dot. */
static void test_dollar(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row good stringout.$ ro text config\n"
                                        "row wrong stringout$ ro text config\n");
    const oph_read_options brief = {.size = sizeof brief, .timeout = 0.5};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    char text[64];

    check_done(oph_get_text(dev, "good", text, sizeof text, &err), &err, "with a dot");
    int rc = oph_signal_read(plain_signal(dev, "wrong"), &brief, &value, &err);
    check_refused(rc, &err, OPH_EDISCONN, "dev.wrong", "p:stringout$", NULL, NULL);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* The current length is what a get of no particular count returns, not the padded one. */
static void test_length(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row text of:UCHAR rw text config\n");
    static const char *const texts[] = {"fifteen of them", "a", "", "four"};
    oph_error err = OPH_ERROR_INIT;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        oph_value *value = NULL;
        int rc = oph_put(dev, "text", texts[i], &err);
        if (!rc) rc = oph_signal_read(plain_signal(dev, "text"), NULL, &value, &err);
        testOk(!rc && oph_value_count(value) == strlen(texts[i]) + 1 &&
                   strcmp(oph_value_data(value), texts[i]) == 0,
               "'%s' and its NUL are read", texts[i]);
        oph_value_free(value);
    }
    oph_device_free(dev);
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    quiet_begin();
    struct sim *plain = plain_start();
    probe = probe_new("p:");
    test_write_access();
    test_changing_access();
    test_dollar();
    test_length();
    probe_free(probe);
    sim_stop(plain);
    quiet_end();
    return testDone();
}
