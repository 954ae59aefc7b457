#include "lib/fault_table.h"

#include "lib/detector.h"
#include "lib/events.h"
#include "lib/far.h"
#include "lib/state.h"
#include "lib/strike.h"
#include "lib/trouble.h"

#include <ctype.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8, LINE = 512 };

struct row {
    char line[LINE];
    /* what goes wrong; when it begins; what fails first; with which code, PV, and words; the state
     * after that; what stays changed after unstage */
    const char *fault, *phase, *verb, *code, *pv, *words, *state, *left;
    int number;
};

static struct detector d;
static struct trouble trouble;

static int is(const char *text, const char *other)
{
    return strcmp(text, other) == 0;
}

/* The first verb that failed, and how. */
struct outcome {
    const char *verb;
    int code;
    oph_error err;
    int32_t state;
};

static void note(struct outcome *o, const char *verb, int rc, const oph_error *err)
{
    if (!rc || o->code) return;
    *o = (struct outcome){.verb = verb, .code = rc, .err = *err, .state = oph_device_state(d.det)};
}

static int acquire(const struct row *row, struct outcome *o)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    if (is(row->phase, "trigger"))
        strike_at("cam1:Acquire", 1, trouble_begin_in_exposure, &trouble);
    int rc = oph_trigger(d.det, &st, &err);
    note(o, "trigger", rc, &err);
    if (rc) return rc;
    rc = oph_status_wait(st, OPH_DEFAULT, &err);
    note(o, "wait", rc, &err);
    oph_status_unref(st);
    return rc;
}

static void read_all(struct outcome *o)
{
    oph_error err = OPH_ERROR_INIT;
    oph_readings *readings = NULL;
    int rc = oph_read_configuration(d.det, OPH_DEFAULT, &readings, NULL, &err);
    note(o, "read", rc, &err);
    oph_readings_free(readings);
}

static void unstage(const struct row *row, struct outcome *o, oph_report **report)
{
    oph_error err = OPH_ERROR_INIT;
    if (is(row->phase, "unstage")) strike_at("HDF1:Capture", 0, trouble_begin, &trouble);
    note(o, "unstage", oph_unstage(d.det, report, &err), &err);
}

/* When it returns, the library has noticed a lost connection as the probe has. */
static void begin_before(void)
{
    if (trouble_cuts(&trouble))
        events_lose(d.cam, "acquire", trouble_begin, &trouble);
    else
        trouble_begin(&trouble);
}

static void run(const struct row *row, struct outcome *o, oph_report **report)
{
    oph_error err = OPH_ERROR_INIT;
    if (is(row->phase, "before")) begin_before();
    if (is(row->phase, "stage")) strike_at("HDF1:FileName", 0, trouble_begin_in_stage, &trouble);
    int rc = oph_stage(d.det, report, &err);
    note(o, "stage", rc, &err);
    if (rc) return;
    oph_report_free(*report);
    *report = NULL;
    rc = acquire(row, o);
    if (!rc && is(row->phase, "read")) trouble_begin(&trouble);
    if (!rc) read_all(o);
    unstage(row, o, report);
}

/* The names of the PVs in a report, without the prefix: "cam1:AcquireTime HDF1:Capture"; "all"
 * where not even half could be put back; "-" for none. */
static void list(const oph_report *report, const oph_error *cause, char *dst, size_t size)
{
    size_t used = 0, first = 0, count = oph_report_count(report);
    /* A failed stage's report begins with its cause. */
    if (count && is(cause->text, oph_report_at(report, 0)->text) &&
        strstr(cause->text, "put back") == NULL)
        first = 1;
    snprintf(dst, size, "%s", count - first > 10 ? "all" : count > first ? "" : "-");
    for (size_t i = first; count - first <= 10 && i < count && used < size; i++) {
        const char *pv = oph_report_at(report, i)->pv;
        const char *name = strchr(pv, ':') ? strchr(pv, ':') + 1 : pv;
        used += (size_t)snprintf(dst + used, size - used, "%s%s", i > first ? " " : "", name);
    }
}

/* "a | b | c": the columns, trimmed; how many there are. */
static int split(char *line, const char **ret)
{
    int n = 0;
    for (char *at = line; at && n < COLUMNS; n++) {
        char *bar = strchr(at, '|');
        if (bar) *bar = 0;
        while (isspace((unsigned char)*at))
            at++;
        for (char *last = at + strlen(at); last > at && isspace((unsigned char)last[-1]);)
            *--last = 0;
        ret[n] = at;
        at = bar ? bar + 1 : NULL;
    }
    return n;
}

static int read_row(FILE *file, struct row *row)
{
    const char *columns[COLUMNS];
    while (fgets(row->line, sizeof row->line, file)) {
        row->number++;
        if (row->line[0] == '#' || row->line[0] == '\n') continue;
        if (row->line[0] == '[') return 0;
        if (split(row->line, columns) != COLUMNS) testAbort("line %d is malformed", row->number);
        row->fault = columns[0], row->phase = columns[1], row->verb = columns[2];
        row->code = columns[3], row->pv = columns[4], row->words = columns[5];
        row->state = columns[6], row->left = columns[7];
        return 1;
    }
    return 0;
}

/* An outcome in the table's words. */
struct words {
    const char *verb, *code, *state;
    char pv[96], listed[LINE];
};

static int is_row(const struct row *row, const struct outcome *o, const struct words *w)
{
    int words = is(row->words, "-") ? !o->code : strstr(o->err.text, row->words) != NULL;
    /* "cam1:*": of many that are lost at once, whichever is found first. */
    size_t stem = strcspn(row->pv, "*");
    int named = row->pv[stem] ? strncmp(row->pv, w->pv, stem) == 0 : is(row->pv, w->pv);
    return is(row->verb, w->verb) && is(row->code, w->code) && named && words &&
           is(row->state, w->state) && is(row->left, w->listed);
}

/* What may come of the same over a slow link, where another thing goes wrong first. */
static int is_listed_far(const struct row *row, const struct outcome *o, const struct words *w)
{
    static struct row far;
    FILE *table = getenv("COPHYD_LINK") ? fopen("tests/data/fault_table_far.txt", "r") : NULL;
    int found = 0;
    if (!table) return 0;
    far.number = 0;
    while (!found && read_row(table, &far))
        found = is(far.fault, row->fault) && is(far.phase, row->phase) && is_row(&far, o, w);
    fclose(table);
    if (found) testDiag("line %d of those of a slow link", far.number);
    return found;
}

static int is_as_listed(const struct row *row, const struct outcome *o, const oph_report *left)
{
    struct words w = {.verb = o->code ? o->verb : "-",
                      .code = o->code ? oph_code_name(o->code) + 4 : "-",
                      .state = o->code ? oph_state_name(o->state) : "-",
                      .pv = "-"};
    if (o->err.pv[0]) snprintf(w.pv, sizeof w.pv, "%s", strchr(o->err.pv, ':') + 1);
    list(left, &o->err, w.listed, sizeof w.listed);
    int ok = is_row(row, o, &w) || is_listed_far(row, o, &w);
    testOk(ok, "line %d: %s, from %s on", row->number, row->fault, row->phase);
    if (ok) return 1;
    testDiag("wanted %s | %s | %s | %s | %s | %s", row->verb, row->code, row->pv, row->words,
             row->state, row->left);
    testDiag("found  %s | %s | %s | %s | %s | %s", w.verb, w.code, w.pv,
             o->err.code ? o->err.text : "-", w.state, w.listed);
    return 0;
}

/* A context and a detector, as a program has that was just started. */
static void open_detector(void)
{
    int far = getenv("COPHYD_LINK") != NULL; /* and may stall, again and again */
    const oph_context_options options = {.size = sizeof options,
                                         .connect_timeout = far ? 5 : 2,
                                         .get_timeout = far ? 5 : 1,
                                         .put_timeout = far ? 10 : 1.5,
                                         .grace = far ? 2 : 0.5,
                                         .stop_timeout = far ? 10 : 4};
    oph_error err = OPH_ERROR_INIT;
    d.ctx = strike_context(&options);
    detector_add_class(d.ctx);
    detector_make(&d);
    if (oph_connect(d.det, 30, NULL, &err)) testAbort("%s", err.text);
}

static void close_detector(void)
{
    oph_device_free(d.det);
    oph_context_free(d.ctx);
    d.det = NULL;
    d.ctx = NULL;
}

/* What a client that gave up had sent must not come in the midst of the next cycle: what it put may
 * still be on its way through the IOC. */
static void leave_ioc(void)
{
    close_detector();
    probe_free(d.probe);
    d.probe = NULL;
    sim_await_left(d.sim);
}

/* Who does harm, and who looks afterwards, is beside the IOC: over a slow link as well, what goes
 * wrong does so when it should. libca takes its time to find an IOC again; a new one does not. */
static void stand_probe(void)
{
    far_stand(1);
    d.probe = probe_new("Pilatus:");
    if (probe_until_up(d.probe, "cam1:Acquire", 1, 30)) testAbort("the IOC is not there");
    far_stand(0);
}

/* The exposure is long enough for something to happen in it, or to last until the trigger. */
static void set_exposure(const struct row *row)
{
    oph_error err = OPH_ERROR_INIT;
    int is_others = is(row->fault, "Client cam1:Acquire Acquire") && is(row->phase, "stage");
    int is_cut_short = strncmp(row->fault, "AbortAfter", 10) == 0;
    double in_it = getenv("COPHYD_LINK") ? 1.5 : 0.5;
    double seconds = is_others ? 2 : is(row->phase, "trigger") ? in_it : is_cut_short ? 0.5 : 0.01;
    if (oph_settings_set(d.cam, "acquire_time", seconds, &err) ||
        oph_settings_set(d.cam, "acquire_period", seconds + 0.005, &err))
        testAbort("%s", err.text);
}

/* What the operator of a real one would do. */
static void set_up_ioc(const struct row *row)
{
    /* What an acquisition may take shall not take long here. */
    probe_put_complete(d.probe, "cam1:ImageFileTmot", "1", 10);
    /* Nothing else ends a put that is stuck. */
    if (!row || strncmp(row->fault, "PutStuck", 8) != 0) return;
    probe_put(d.probe, "cam1:Acquire", "Done");
    probe_put_complete(d.probe, "cam1:AcquireBusy", "Done", 10);
}

/* What could not be put back while the fault lasted is in the journal. */
static void recover(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_journals *left = NULL;
    check_done(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err), &err, "what was left is put back");
    int rc = oph_journals_find(&left, &err);
    testOk(!rc && oph_journals_count(left) == 0, "there is no journal any more");
    oph_journals_free(left);
}

static void try_row(const struct row *row)
{
    struct outcome o = {0};
    oph_report *report = NULL;
    open_detector();
    set_exposure(row);
    trouble_plan(&trouble, &d, row->fault);
    run(row, &o, &report);
    is_as_listed(row, &o, report);
    oph_report_free(report);
    strike_done();
    testOk(oph_device_state(d.det) == OPH_STATE_IDLE, "the device is idle");
    trouble_end(&trouble);
    leave_ioc();
    stand_probe();
    open_detector();
    set_up_ioc(row);
    recover();
    detector_unchanged(&d, row->fault);
    detector_works(&d, "after that");
    close_detector();
}

/* "[NAME]" begins a part of the table. */
static int find_part(FILE *file, struct row *row, const char *part)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "[%s]\n", part);
    while (fgets(row->line, sizeof row->line, file)) {
        row->number++;
        if (is(row->line, wanted)) return 1;
    }
    return 0;
}

int fault_table_run(const char *part)
{
    static struct row row;
    int rows = 0;
    FILE *table = fopen("tests/data/fault_table.txt", "r");
    if (!table) testAbort("there is no tests/data/fault_table.txt");
    if (!find_part(table, &row, part)) testAbort("the table has no part [%s]", part);
    testPlan(0);
    state_begin(NULL, 0);
    detector_start_ioc(&d, (const char *const[]){"--instant", NULL});
    set_up_ioc(NULL);
    probe_free(d.probe);
    stand_probe();
    detector_remember(&d);
    for (; read_row(table, &row); rows++)
        try_row(&row);
    testOk(rows > 0, "[%s] has %d rows", part, rows);
    fclose(table);
    detector_end(&d);
    state_end();
    return testDone();
}
