/* Replays what was done to a real IOC (tests/data/pilatus_traces.txt). Of each step is compared:
 * whether it succeeds, after what time (within a factor of 2, or 20 ms), and the updates of every
 * channel: just those that were seen there, in the same order, with the same values and severities.
 * The order between channels means nothing. What differs is listed with its reason in
 * tests/data/pilatus_differences.txt, and on no channel that a client stages, triggers or waits by.
 *
 * Two things in a trace are chance, there as here: of an array the server sends the newest, so that
 * values between may be missing, and NumQueuedArrays counts what two threads do side by side. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <epicsEvent.h>
#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { UPDATES = 120, CHANNELS = 100, DIFFERENCES = 20, SECONDS = 12 };

static const char traces[] = "tests/data/pilatus_traces.txt";
static const char list[] = "tests/data/pilatus_differences.txt";

struct update {
    char channel[64], value[600];
    int severity;
};

struct step {
    char text[700], channel[64], how[16], value[600];
    int ok, mark, count, compared; /* compared: there was such a step */
    double wanted_ms, took, late;
    struct update updates[UPDATES];
};

/* One channel's updates in a step, there or here. */
struct path {
    int count;
    struct update update[UPDATES];
};

static struct sim *sim;
static struct probe *probe;
static char folder[] = "/tmp/cophyd-traces-XXXXXX";
static char channels[CHANNELS][64];
static int channel_count;
static char scenario[32];
static struct {
    char scenario[32], step[128], channel[64];
    int seen;
} differences[DIFFERENCES + 1];
static int difference_count;

/* How late this machine is: the sum of what a sleep of 1 ms takes longer. */
static _Atomic double lateness;
static epicsEventId over;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *beat(void *arg)
{
    double start = now();
    (void)arg;
    while (epicsEventWaitWithTimeout(over, 0.001) != epicsEventOK) {
        double late = now() - start - 0.0013;
        if (late > 0) atomic_store(&lateness, atomic_load(&lateness) + late);
        start = now();
    }
    return NULL;
}

/* The first word of *text; *text moves behind it and one space. */
static void word(char **text, char *ret, size_t size)
{
    size_t length = strcspn(*text, " ");
    snprintf(ret, size, "%.*s", (int)length, *text);
    *text += length + ((*text)[length] == ' ');
}

static int same(const struct update *there, const struct update *here)
{
    return there->severity == here->severity &&
           (strcmp(there->value, "~") == 0 || strcmp(there->value, here->value) == 0);
}

static void traced(const struct step *step, const char *channel, struct path *ret)
{
    ret->count = 0;
    for (int i = 0; i < step->count; i++)
        if (strcmp(step->updates[i].channel, channel) == 0)
            ret->update[ret->count++] = step->updates[i];
}

static void found(const struct step *step, const char *channel, struct path *ret)
{
    struct probe_event e;
    ret->count = 0;
    for (int at = step->mark; probe_event(probe, at, &e) && ret->count < UPDATES; at++) {
        struct update *u = &ret->update[ret->count];
        if (strcmp(e.name, channel) != 0) continue;
        snprintf(u->value, sizeof u->value, "%s", e.value);
        u->severity = e.severity;
        ret->count++;
    }
}

/* All of a are in b, in that order. */
static int is_part(const struct path *a, const struct path *b, int a_is_there)
{
    int at = 0;
    for (int i = 0; i < a->count; i++, at++) {
        while (at < b->count && !(a_is_there ? same(&a->update[i], &b->update[at])
                                             : same(&b->update[at], &a->update[i])))
            at++;
        if (at == b->count) return 0;
    }
    return 1;
}

/* Both up and down by one, from 0 to 0. */
static int is_queue(const struct path *path)
{
    long before = 0;
    for (int i = 0; i < path->count; i++) {
        long value = strtol(path->update[i].value, NULL, 10);
        if (labs(value - before) != 1) return 0;
        before = value;
    }
    return before == 0;
}

static int agree(const char *channel, const struct path *there, const struct path *here)
{
    struct probe_facts facts;
    if (there->count == here->count && is_part(there, here, 1)) return 1;
    if (there->count == 0 || here->count == 0) return 0;
    if (strcmp(channel, "cam1:NumQueuedArrays") == 0) return is_queue(there) && is_queue(here);
    if (probe_describe(probe, channel, &facts) != 0 || strcmp(facts.type, "CHAR") != 0) return 0;
    return same(&there->update[there->count - 1], &here->update[here->count - 1]) &&
           (is_part(there, here, 1) || is_part(here, there, 0));
}

static void tell(const char *who, const struct path *path)
{
    char line[1200] = "";
    for (int i = 0; i < path->count; i++) {
        size_t used = strlen(line);
        const struct update *u = &path->update[i];
        snprintf(line + used, sizeof line - used, "%s%.120s%s", i ? ", " : "", u->value,
                 u->severity ? "!" : "");
    }
    testDiag("%s: %s", who, *line ? line : "(no update)");
}

static int is_listed(const struct step *step, const char *channel)
{
    for (int i = 0; i < difference_count; i++)
        if (strcmp(differences[i].scenario, scenario) == 0 &&
            strcmp(differences[i].channel, channel) == 0 &&
            strncmp(step->text, differences[i].step, strlen(differences[i].step)) == 0)
            return differences[i].seen = 1;
    return 0;
}

/* What was published until now comes before this returns. */
static void catch_up(void)
{
    static int high;
    for (int i = 0; i < 2; i++) {
        int mark = probe_mark(probe);
        high = !high;
        probe_put_complete(probe, "sim1:Gate", high ? "High" : "Low", SECONDS);
        probe_wait(probe, mark, "sim1:Gate", high ? "High" : "Low", SECONDS);
    }
}

/* Until every update of the trace has come. */
static void settle(const struct step *step)
{
    for (int c = 0; c < channel_count; c++) {
        struct path there;
        traced(step, channels[c], &there);
        if (there.count == 0) continue;
        const struct update *last = &there.update[there.count - 1];
        probe_wait(probe, step->mark, channels[c],
                   strcmp(last->value, "~") == 0 ? NULL : last->value, SECONDS);
    }
    catch_up();
}

static void check_updates(const struct step *step)
{
    int wrong = 0;
    settle(step);
    for (int c = 0; c < channel_count; c++) {
        struct path there, here;
        traced(step, channels[c], &there);
        found(step, channels[c], &here);
        if (agree(channels[c], &there, &here) || is_listed(step, channels[c])) continue;
        testDiag("%s", channels[c]);
        tell("there", &there);
        tell("here", &here);
        wrong++;
    }
    testOk(wrong == 0, "%s: %s: %d updates, as on the real one", scenario, step->text, step->count);
}

static int put(const struct step *step)
{
    char *end = NULL;
    double number = strtod(step->value, &end);
    double patience = step->ok ? SECONDS : 3; /* what ends nowhere was given 3 s there */
    if (strcmp(step->how, "plain") == 0) return probe_put(probe, step->channel, step->value);
    if (strcmp(step->how, "pending") == 0)
        return probe_put_start(probe, step->channel, step->value);
    if (strcmp(step->channel, "cam1:ImageMode") == 0 && end != step->value && *end == '\0')
        return probe_put_number_complete(probe, step->channel, number, patience);
    return probe_put_complete(probe, step->channel, step->value, patience);
}

static void measure(struct step *step, int *ret)
{
    double start = now(), before = atomic_load(&lateness);
    *ret = put(step);
    step->took = now() - start;
    step->late = atomic_load(&lateness) - before;
}

/* Whether what a step does can be done again without a change. */
static int is_setting(const struct step *step)
{
    return strcmp(step->channel, "cam1:Acquire") != 0 &&
           strncmp(step->channel, "HDF1:Capture", strlen("HDF1:Capture")) != 0;
}

/* The client of the traces took 1 ms itself. A machine that is busy makes a step late: then a
 * setting is made once more, and what this process came late by is allowed for, in each of the four
 * threads that an answer passes. */
static void check_time(struct step *step)
{
    double wanted = step->wanted_ms * 1e-3;
    double low = fmin(wanted / 2, wanted - 0.021), high = fmax(wanted * 2, wanted + 0.02);
    int rc = 0;
    if (strcmp(step->how, "completion") != 0) return;
    for (int i = 0; i < 10 && step->took > high + 4 * step->late && is_setting(step); i++) {
        measure(step, &rc);
        catch_up();
    }
    testOk(step->took >= low && step->took <= high + 4 * step->late, "%s: %s: %.1f ms, %.1f there",
           scenario, step->text, step->took * 1e3, step->wanted_ms);
}

static void end_step(struct step *step)
{
    if (!step->compared) return;
    step->compared = 0;
    if (strcmp(step->how, "pending") == 0) {
        probe_wait(probe, step->mark, "HDF1:WriteFile_RBV", "Writing", SECONDS);
        catch_up();
        return;
    }
    check_updates(step);
    check_time(step);
}

/* A second put with completion on a channel would stop its circuit: it goes by another name. */
static void begin_step(struct step *step, char *text)
{
    char outcome[16], ms[16];
    snprintf(step->text, sizeof step->text, "%.100s", text);
    word(&text, step->channel, sizeof step->channel);
    word(&text, step->how, sizeof step->how);
    word(&text, outcome, sizeof outcome);
    word(&text, ms, sizeof ms);
    snprintf(step->value, sizeof step->value, "%s", text);
    if (strcmp(scenario, "busy") == 0 && strcmp(step->how, "completion") == 0 &&
        strcmp(step->channel, "HDF1:Capture") == 0)
        snprintf(step->channel, sizeof step->channel, "HDF1:Capture.VAL");
    step->ok = strcmp(outcome, "ok") == 0;
    step->wanted_ms = strtod(ms, NULL);
    step->count = 0;
    step->compared = 1;
    step->mark = probe_mark(probe);
    int rc = 0;
    measure(step, &rc);
    testOk((rc == 0) == step->ok, "%s: %s", scenario, step->text);
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
    char channel[64], is[600] = "(unread)";
    word(&text, channel, sizeof channel);
    int rc = probe_get(probe, channel, is, sizeof is);
    testOk(rc == 0 && strcmp(is, text) == 0, "%s reads '%s', wanted '%s'", channel, is, text);
}

static void know(const char *channel)
{
    for (int i = 0; i < channel_count; i++)
        if (strcmp(channels[i], channel) == 0) return;
    if (channel_count == CHANNELS) testAbort("too many channels");
    snprintf(channels[channel_count++], sizeof channels[0], "%s", channel);
}

/* Every channel that the traces name. */
static void find_channels(FILE *in)
{
    char line[800], channel[64];
    while (fgets(line, sizeof line, in)) {
        char *text = line + strlen("then ");
        if (strncmp(line, "then ", 5) != 0) continue;
        word(&text, channel, sizeof channel);
        know(channel);
    }
    rewind(in);
}

static void watch_all(void)
{
    const char *names[CHANNELS + 1];
    for (int i = 0; i < channel_count; i++)
        names[i] = channels[i];
    names[channel_count] = "sim1:Gate";
    testOk(probe_watch(probe, names, channel_count + 1) == 0, "%d channels are watched",
           channel_count);
}

/* What a client stages, triggers or waits by must not differ. These are for the IOC's own use. */
static int may_differ(const char *channel)
{
    static const char *const names[] = {
        "cam1:AcquireBusyCB", "cam1:SetAcquireBusy", "cam1:ClearAcquireBusy", "HDF1:WriteFile",
        "HDF1:WriteFile_RBV", "HDF1:IOSpeed",        "HDF1:RunTime"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], channel) == 0) return 1;
    return 0;
}

/* Lines of SCENARIO|STEP|CHANNEL|REASON. */
static void read_differences(void)
{
    char line[400];
    FILE *in = fopen(list, "r");
    if (!in) testAbort("no %s", list);
    while (fgets(line, sizeof line, in)) {
        char *rest = line, *part[4] = {0};
        line[strcspn(line, "\n")] = '\0';
        if (*line == '#' || !*line) continue;
        for (int i = 0; i < 4; i++)
            part[i] = strsep(&rest, "|");
        if (!part[3] || !*part[3]) testAbort("a difference without a reason: %s", line);
        if (difference_count == DIFFERENCES) testAbort("more than %d differences", DIFFERENCES);
        snprintf(differences[difference_count].scenario, 32, "%s", part[0]);
        snprintf(differences[difference_count].step, 128, "%s", part[1]);
        snprintf(differences[difference_count++].channel, 64, "%s", part[2]);
        testOk(may_differ(part[2]), "%s may differ: %s", part[2], part[3]);
    }
    fclose(in);
}

static void start(const char *option)
{
    char root[80], raw[80];
    snprintf(root, sizeof root, "/data=%s", folder);
    snprintf(raw, sizeof raw, "%s/raw", folder);
    mkdir(raw, 0777);
    sim = sim_start((const char *const[]){"--size", "64x48", "--write-root", root, option, NULL});
    probe = probe_new("Pilatus:");
    watch_all();
}

static void stop(void)
{
    probe_free(probe);
    testOk(sim_stop(sim) == 0, "the simulator ends");
}

/* What the traces show was set between them, and the counters as they were when they began. */
static void set_between(void)
{
    static const struct {
        const char *scenario, *channel, *value;
    } between[] = {
        {"seed", "cam1:ArrayCounter", "9"},  {"seed", "cam1:FileNumber", "6"},
        {"seed", "HDF1:LazyOpen", "Yes"},    {"badpath", "HDF1:Capture", "Capture"},
        {"badpath", "HDF1:LazyOpen", "No"},  {"badpath", "HDF1:ArrayCounter", "0"},
        {"badpath", "cam1:NumImages", "1"},  {"hung", "HDF1:LazyOpen", "No"},
        {"hung", "HDF1:Capture", "Capture"},
    };
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        const char *channel = between[i].channel, *value = between[i].value;
        if (strcmp(between[i].scenario, scenario) != 0) continue;
        if (strcmp(channel, "HDF1:Capture") == 0)
            testOk(probe_put(probe, channel, value) == 0, "%s = %s", channel, value);
        else
            probe_set(probe, channel, value);
    }
    catch_up();
}

/* The last trace is of an IOC that had its settings already. */
static void set_all(FILE *in)
{
    char line[800], channel[64], how[16], outcome[16], ms[16];
    long here = ftell(in);
    while (fgets(line, sizeof line, in)) {
        char *text = line + strlen("put ");
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "put ", 4) != 0) continue;
        word(&text, channel, sizeof channel);
        word(&text, how, sizeof how);
        word(&text, outcome, sizeof outcome);
        word(&text, ms, sizeof ms);
        if (strcmp(how, "completion") == 0 && strcmp(channel, "cam1:Acquire") != 0)
            probe_set(probe, channel, text);
    }
    fseek(in, here, SEEK_SET);
}

static void begin(FILE *in, const char *name)
{
    snprintf(scenario, sizeof scenario, "%s", name);
    testDiag("scenario %s", scenario);
    if (strcmp(scenario, "hung") == 0) {
        stop();
        start("--fault=ExposureHangs");
        set_all(in);
    }
    set_between();
}

int main(void)
{
    static struct step step;
    pthread_t metronome;
    char line[800], command[64];
    FILE *in = fopen(traces, "r");
    if (!in || !mkdtemp(folder)) testAbort("no traces, or no folder");
    testPlan(0);
    over = epicsEventMustCreate(epicsEventEmpty);
    if (pthread_create(&metronome, NULL, beat, NULL) != 0) testAbort("no thread");
    read_differences();
    find_channels(in);
    start(NULL);
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
        if (strcmp(kind, "put") == 0) begin_step(&step, text);
        if (strcmp(kind, "read") == 0) check_read(text);
    }
    end_step(&step);
    fclose(in);
    testOk(probe_put(probe, "HDF1:Capture", "0") == 0, "the last capture ends");
    stop();
    for (int i = 0; i < difference_count; i++)
        testOk(differences[i].seen, "%s, %s: %s differs", differences[i].scenario,
               differences[i].step, differences[i].channel);
    epicsEventSignal(over);
    pthread_join(metronome, NULL);
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
