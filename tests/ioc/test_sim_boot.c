/* After boot every channel of the simulator is, for a client, as on the real IOC whose channels
 * tests/data/pilatus_channels.csv lists. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum {
    CHANNEL,
    RECORD,
    TYPE,
    COUNT,
    WRITE,
    UNITS,
    PREC,
    LOW,
    HIGH,
    LABELS,
    SEVERITY,
    VALUE,
    CELLS
};

struct row {
    char cell[CELLS][600];
};

static void split(const char *line, struct row *ret)
{
    int cell = 0, quoted = 0;
    size_t used = 0;
    memset(ret, 0, sizeof *ret);
    for (; *line && *line != '\n' && cell < CELLS; line++) {
        if (*line == '"') {
            quoted = !quoted;
        } else if (*line == ',' && !quoted) {
            cell++;
            used = 0;
        } else if (used + 1 < sizeof ret->cell[0]) {
            ret->cell[cell][used++] = *line;
        }
    }
}

static int number_differs(const char *wanted, double found)
{
    return *wanted && fabs(strtod(wanted, NULL) - found) > 1e-9 * fabs(found);
}

static int facts_differ(const struct row *r, const struct probe_facts *f)
{
    return strcmp(r->cell[TYPE], f->type) != 0 || strtol(r->cell[COUNT], NULL, 10) != f->count ||
           strtol(r->cell[WRITE], NULL, 10) != f->writable ||
           strcmp(r->cell[UNITS], f->units) != 0 || strcmp(r->cell[LABELS], f->labels) != 0 ||
           number_differs(r->cell[PREC], f->precision) || number_differs(r->cell[LOW], f->low) ||
           number_differs(r->cell[HIGH], f->high) ||
           strtol(r->cell[SEVERITY], NULL, 10) != f->severity;
}

/* Numbers are compared as numbers; an array that never was set has no first element. */
static int value_differs(struct probe *p, const struct row *r, char *found, size_t size)
{
    const char *wanted = r->cell[VALUE];
    snprintf(found, size, "(none)");
    if (strcmp(r->cell[TYPE], "STRING") == 0 || strcmp(r->cell[TYPE], "CHAR") == 0)
        return probe_get(p, r->cell[CHANNEL], found, size) != 0 || strcmp(found, wanted) != 0;
    if (!*wanted) {
        int first;
        long count = probe_get_longs(p, r->cell[CHANNEL], &first, 1);
        snprintf(found, size, "%ld elements", count);
        return count != 0;
    }
    double value = probe_get_number(p, r->cell[CHANNEL]);
    snprintf(found, size, "%.17g", value);
    return number_differs(wanted, value) || isnan(value);
}

static void check(struct probe *p, const struct row *r, int *wrong)
{
    struct probe_facts f;
    char name[80], type[80] = "", value[600];
    if (probe_describe(p, r->cell[CHANNEL], &f) != 0) {
        ++*wrong;
        return;
    }
    if (facts_differ(r, &f)) {
        ++*wrong;
        testDiag("%s: %s[%ld] write %d units '%s' prec %d limits %g %g labels '%s' severity %d",
                 r->cell[CHANNEL], f.type, f.count, f.writable, f.units, f.precision, f.low, f.high,
                 f.labels, f.severity);
        testDiag("wanted: %s[%s] write %s units '%s' prec %s limits %s %s labels '%s' severity %s",
                 r->cell[TYPE], r->cell[COUNT], r->cell[WRITE], r->cell[UNITS], r->cell[PREC],
                 r->cell[LOW], r->cell[HIGH], r->cell[LABELS], r->cell[SEVERITY]);
    }
    if (value_differs(p, r, value, sizeof value)) {
        ++*wrong;
        testDiag("%s is '%s', wanted '%s'", r->cell[CHANNEL], value, r->cell[VALUE]);
    }
    snprintf(name, sizeof name, "%.70s.RTYP", r->cell[CHANNEL]);
    if (probe_get(p, name, type, sizeof type) != 0 || strcmp(type, r->cell[RECORD]) != 0) {
        ++*wrong;
        testDiag("%s is a %s record, wanted %s", r->cell[CHANNEL], type, r->cell[RECORD]);
    }
}

enum { ROWS = 1985 };

static int load(struct row *rows)
{
    char line[2048];
    int count = 0;
    FILE *in = fopen("tests/data/pilatus_channels.csv", "r");
    if (!in || !fgets(line, sizeof line, in)) testAbort("no tests/data/pilatus_channels.csv");
    while (count < ROWS && fgets(line, sizeof line, in))
        split(line, &rows[count++]);
    fclose(in);
    return count;
}

static void compare(struct probe *p)
{
    static struct row rows[ROWS];
    static char types[ROWS][80];
    static const char *names[2 * ROWS];
    int wrong = 0;
    testOk(load(rows) == ROWS, "%d channels are compared", ROWS);
    for (int i = 0; i < ROWS; i++) {
        snprintf(types[i], sizeof types[i], "%.70s.RTYP", rows[i].cell[CHANNEL]);
        names[2 * i] = rows[i].cell[CHANNEL];
        names[2 * i + 1] = types[i];
    }
    testOk(probe_connect(p, names, 2 * ROWS) == 0, "all connect");
    for (int i = 0; i < ROWS; i++)
        check(p, &rows[i], &wrong);
    testOk(wrong == 0, "%d differ from the real IOC", wrong);
}

/* What one command line prints and how it ends. */
static int run(const char *arguments, char *ret, size_t size)
{
    char command[512];
    const char *program = getenv("COPHYD_SIM");
    snprintf(command, sizeof command, "%s %s 2>&1", program ? program : "build/bin/cophyd-sim",
             arguments);
    FILE *out = popen(command, "r");
    if (!out) testAbort("no shell");
    size_t got = fread(ret, 1, size - 1, out);
    ret[got] = '\0';
    int status = pclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void options(int port)
{
    char text[4096], taken[32];
    testOk(run("--help", text, sizeof text) == 0 && strstr(text, "mod 1048576"),
           "--help tells the pixels");
    testOk(run("--version", text, sizeof text) == 0 && strncmp(text, "cophyd-sim ", 11) == 0,
           "--version");
    testOk(run("--size 10", text, sizeof text) == 2 &&
               strcmp(text, "cophyd-sim: --size wants WIDTHxHEIGHT, each from 1 to 16384, not "
                            "\"10\"\n") == 0,
           "a wrong value ends with 2 and one sentence: %s", text);
    testOk(run("--nonsense", text, sizeof text) == 2, "an unknown option ends with 2: %s", text);
    testOk(run("--port 80", text, sizeof text) == 2, "so does a port that RSRV refuses: %s", text);
    snprintf(taken, sizeof taken, "--port %d", port);
    testOk(run(taken, text, sizeof text) == 1 && strstr(text, "is taken"),
           "a taken port ends with 1: %s", text);
}

/* A simulator whose parent was killed is gone soon: its port is free again. */
static void ends_with_parent(void)
{
    int out[2];
    char byte;
    if (pipe(out) != 0) testAbort("no pipe");
    fflush(NULL);
    pid_t parent = fork();
    if (parent == 0) {
        struct sim *sim = sim_start(NULL);
        long pid = sim_pid(sim);
        if (write(out[1], &pid, sizeof pid) != sizeof pid) _exit(1);
        _exit(0); /* without stopping it */
    }
    close(out[1]);
    long pid = 0;
    testOk(read(out[0], &pid, sizeof pid) == sizeof pid && pid > 0, "a child ran a simulator");
    waitpid(parent, NULL, 0);
    /* The pipe is the simulator's too: it ends when that has ended. */
    testOk(read(out[0], &byte, 1) == 0, "it ended with its parent");
    close(out[0]);
}

/* Killed, it comes back on the same port, as it was after boot. */
static void restart(struct sim *sim)
{
    char value[40] = "";
    int port = sim_port(sim);
    sim_kill(sim);
    sim_restart(sim);
    testOk(sim_port(sim) == port, "after a kill it is back on port %d", port);
    struct probe *probe = probe_new("Pilatus:");
    testOk(probe_get(probe, "cam1:Acquire_RBV", value, sizeof value) == 0 &&
               strcmp(value, "Done") == 0,
           "a client finds it there");
    probe_free(probe);
}

int main(void)
{
    testPlan(14);
    ends_with_parent();
    struct sim *sim = sim_start(NULL);
    struct probe *probe = probe_new("Pilatus:");
    compare(probe);
    options(sim_port(sim));
    probe_free(probe);
    restart(sim);
    testOk(sim_stop(sim) == 0, "it ends cleanly on SIGTERM");
    return testDone();
}
