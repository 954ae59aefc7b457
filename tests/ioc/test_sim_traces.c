/* Replays what was done to a real IOC (tests/data/pilatus_traces.txt) and checks that each step
 * succeeds or fails as there, and that every update seen there comes here too: of one channel in
 * the same order, with the same values and severities. The order between channels means nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { UPDATES = 120, CHANNELS = 100, SECONDS = 12 };

struct update {
    char channel[64], value[600];
    int severity;
};

struct step {
    char text[700];
    int mark, count;
    struct update updates[UPDATES];
};

static struct sim *sim;
static struct probe *probe;
static char folder[] = "/tmp/cophyd-traces-XXXXXX";

/* The first word of *text; *text moves behind it and one space. */
static void word(char **text, char *ret, size_t size)
{
    size_t length = strcspn(*text, " ");
    snprintf(ret, size, "%.*s", (int)length, *text);
    *text += length + ((*text)[length] == ' ');
}

/* A value that a channel had already makes no update. */
static int has_already(const struct step *step, const char *channel, const char *value)
{
    char found[600];
    struct probe_event e;
    for (int at = step->mark; probe_event(probe, at, &e); at++)
        if (strcmp(e.name, channel) == 0) return 0;
    return probe_get(probe, channel, found, sizeof found) == 0 && strcmp(found, value) == 0;
}

static int last_of(const struct step *step, const char *channel)
{
    int last = step->count - 1;
    while (strcmp(step->updates[last].channel, channel) != 0)
        last--;
    return last;
}

/* Finds this channel's updates of the step in the log, in order; returns how many were wrong. Of
 * long texts only the last must come: of an array a server sends the newest, and a busy one skips
 * what was between. */
static int check_channel(const struct step *step, const char *channel)
{
    struct probe_facts facts;
    int at = step->mark, wrong = 0;
    if (probe_describe(probe, channel, &facts) != 0) return 1;
    int first = strcmp(facts.type, "CHAR") == 0 ? last_of(step, channel) : 0;
    for (int i = first; i < step->count; i++) {
        const struct update *u = &step->updates[i];
        struct probe_event e;
        if (strcmp(u->channel, channel) != 0) continue;
        if (at == step->mark && has_already(step, channel, u->value)) continue;
        int found = probe_wait(probe, at, channel, u->value, SECONDS);
        if (found < 0) return wrong + 1;
        probe_event(probe, found, &e);
        if (e.severity != u->severity) {
            testDiag("%s = %s has severity %d, wanted %d", channel, u->value, e.severity,
                     u->severity);
            wrong++;
        }
        at = found + 1;
    }
    return wrong;
}

static void end_step(struct step *step)
{
    int wrong = 0;
    if (!step->count) return;
    for (int i = 0; i < step->count; i++) {
        int seen = 0;
        for (int k = 0; k < i; k++)
            seen = seen || strcmp(step->updates[k].channel, step->updates[i].channel) == 0;
        if (!seen) wrong += check_channel(step, step->updates[i].channel);
    }
    testOk(wrong == 0, "%s: %d updates as on the real one", step->text, step->count);
    if (wrong) probe_tell(probe, step->mark);
    step->count = 0;
}

static void put(struct step *step, char *text)
{
    char channel[64], how[16], outcome[16];
    snprintf(step->text, sizeof step->text, "%.80s", text);
    word(&text, channel, sizeof channel);
    word(&text, how, sizeof how);
    word(&text, outcome, sizeof outcome);
    step->mark = probe_mark(probe);
    int rc = strcmp(how, "plain") == 0 ? probe_put(probe, channel, text)
                                       : probe_put_complete(probe, channel, text, SECONDS);
    testOk((rc == 0) == (strcmp(outcome, "ok") == 0), "%s", step->text);
}

static void then(struct step *step, char *text)
{
    char severity[4];
    struct update *u = &step->updates[step->count++];
    if (step->count >= UPDATES) testAbort("too many updates in one step");
    word(&text, u->channel, sizeof u->channel);
    word(&text, severity, sizeof severity);
    u->severity = (int)strtol(severity, NULL, 10);
    snprintf(u->value, sizeof u->value, "%s", text);
}

static void check_read(char *text)
{
    char channel[64], found[600] = "(unread)";
    word(&text, channel, sizeof channel);
    int rc = probe_get(probe, channel, found, sizeof found);
    testOk(rc == 0 && strcmp(found, text) == 0, "%s reads '%s', wanted '%s'", channel, found, text);
}

/* Every channel that the traces name, so that it is watched before the first step. */
static void watch_all(FILE *in)
{
    static char names[CHANNELS][64];
    const char *list[CHANNELS];
    char line[800];
    int count = 0;
    while (fgets(line, sizeof line, in)) {
        char *text = line + strlen("then ");
        int known = 0;
        if (strncmp(line, "then ", 5) != 0) continue;
        if (count == CHANNELS) testAbort("too many channels");
        word(&text, names[count], sizeof names[0]);
        for (int i = 0; i < count; i++)
            known = known || strcmp(names[i], names[count]) == 0;
        if (known) continue;
        list[count] = names[count];
        count++;
    }
    testOk(probe_watch(probe, list, count) == 0, "%d channels are watched", count);
    rewind(in);
}

static void start(const char *option)
{
    char root[80], raw[80];
    snprintf(root, sizeof root, "/data=%s", folder);
    snprintf(raw, sizeof raw, "%s/raw", folder);
    mkdir(raw, 0777);
    sim = sim_start((const char *const[]){"--size", "64x48", "--write-root", root, option, NULL});
    probe = probe_new("Pilatus:");
}

static void stop(void)
{
    probe_free(probe);
    testOk(sim_stop(sim) == 0, "the simulator ends");
}

/* What was set between the traces, and the counters as they were when they began. */
static void begin(FILE *in, const char *scenario)
{
    testDiag("scenario %s", scenario);
    if (strcmp(scenario, "hung") == 0) {
        long here = ftell(in);
        stop();
        start("--camserver-hangs");
        rewind(in);
        watch_all(in);
        fseek(in, here, SEEK_SET);
    } else if (strcmp(scenario, "seed") == 0) {
        testOk(probe_put_complete(probe, "cam1:ArrayCounter", "9", 5) == 0, "9 arrays before");
        testOk(probe_put_complete(probe, "cam1:FileNumber", "6", 5) == 0, "6 files before");
    } else if (strcmp(scenario, "badpath") == 0) {
        testOk(probe_put_complete(probe, "HDF1:LazyOpen", "No", 5) == 0, "no LazyOpen before");
        testOk(probe_put_complete(probe, "HDF1:ArrayCounter", "0", 5) == 0, "no arrays before");
    }
}

int main(void)
{
    static struct step step;
    char line[800], command[64];
    FILE *in = fopen("tests/data/pilatus_traces.txt", "r");
    if (!in || !mkdtemp(folder)) testAbort("no traces, or no folder");
    testPlan(0);
    start(NULL);
    watch_all(in);
    while (fgets(line, sizeof line, in)) {
        char *text = line, kind[16];
        line[strcspn(line, "\n")] = '\0';
        word(&text, kind, sizeof kind);
        if (strcmp(kind, "then") == 0) {
            then(&step, text);
            continue;
        }
        end_step(&step);
        if (strcmp(kind, "scenario") == 0) begin(in, text);
        if (strcmp(kind, "put") == 0) put(&step, text);
        if (strcmp(kind, "read") == 0) check_read(text);
    }
    end_step(&step);
    fclose(in);
    stop();
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
