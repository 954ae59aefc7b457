/* The simulator gives the answers of tests/data/caget.txt. There are no caget and caput to run on
 * every machine, so the lines are carried out with libca, each as those programs do it. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { OPTIONS = 16, SECONDS = 15 };

static struct sim *sim;
static struct probe *probe;
static char disk[] = "/tmp/cophyd-caget-XXXXXX", root[64];
static int rows;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The first word of *text, which moves behind it and one space. */
static char *word(char **text)
{
    char *first = strsep(text, " ");
    if (!first || !*first) testAbort("a line of tests/data/caget.txt lacks a word");
    return first;
}

static void stop(void)
{
    if (!sim) return;
    probe_free(probe);
    testOk(sim_stop(sim) == 0, "it ends");
}

static void start(char *rest)
{
    const char *options[OPTIONS] = {"--size", "64x48", "--write-root", root};
    int n = 4;
    stop();
    while (rest && n < OPTIONS - 1)
        options[n++] = word(&rest);
    sim = sim_start(options);
    probe = probe_new("Pilatus:");
    char found[40];
    testOk(probe_get(probe, "cam1:ADCoreVersion_RBV", found, sizeof found) == 0, "an IOC runs");
}

static void put(char *rest)
{
    char *name = word(&rest), *value = rest ? rest : "";
    testOk(probe_put(probe, name, value) == 0, "caput %s %s", name, value);
}

static void put_complete(char *rest)
{
    int refused = 0, hangs = 0, number = 0;
    char *name = word(&rest);
    if (strcmp(name, "-1") == 0) refused = 1;
    if (strncmp(name, "-w", 2) == 0) hangs = 1;
    if (strcmp(name, "-n") == 0) number = 1;
    double patience = hangs ? strtod(name + 2, NULL) : SECONDS;
    if (refused || hangs || number) name = word(&rest);
    const char *value = rest ? rest : "";
    if (number) {
        testOk(probe_put_number_complete(probe, name, strtod(value, NULL), patience) == 0,
               "caput -c -n %s %s completes", name, value);
        return;
    }
    if (hangs) {
        testOk(probe_put_start(probe, name, value) == 0 &&
                   probe_completed(probe, name, patience) != 0,
               "caput -c %s %.80s has not completed in %g s", name, value, patience);
        return;
    }
    testOk((probe_put_complete(probe, name, value, patience) == 0) == !refused,
           "caput -c %s %.80s %s", name, value, refused ? "is refused" : "completes");
}

static void completes(char *rest)
{
    char *name = word(&rest);
    testOk(probe_completed(probe, name, SECONDS) == 0, "caput -c %s completes now", name);
}

static void slower(char *rest)
{
    double least = strtod(word(&rest), NULL), begin = now();
    char *name = word(&rest);
    int rc = probe_put_complete(probe, name, rest ? rest : "", SECONDS);
    double took = now() - begin;
    testOk(rc == 0 && took >= least, "caput -c %s took %.3f s, at least %g", name, took, least);
}

static void get(char *rest)
{
    char *name = word(&rest), found[600] = "(unread)";
    const char *value = rest ? rest : "";
    int rc = probe_get(probe, name, found, sizeof found);
    testOk(rc == 0 && strcmp(found, value) == 0, "caget %s: '%s', wanted '%s'", name, found, value);
}

static void severity(char *rest)
{
    char *name = word(&rest);
    long wanted = strtol(word(&rest), NULL, 10), found = probe_get_severity(probe, name);
    testOk(found == wanted, "the severity of %s is %ld, wanted %ld", name, found, wanted);
}

static void until(char *rest)
{
    char *name = word(&rest);
    const char *value = rest ? rest : "";
    testOk(probe_until(probe, name, value, SECONDS) == 0, "%s becomes '%s'", name, value);
}

static const struct {
    const char *words;
    void (*run)(char *rest);
} lines[] = {
    {"simulator", start}, {"caput -c ", put_complete},
    {"caput ", put},      {"caget -s ", severity},
    {"caget ", get},      {"until ", until},
    {"slower ", slower},  {"completes ", completes},
};
enum { LINES = sizeof lines / sizeof *lines };

static void run(char *line)
{
    if (strncmp(line, "fact ", 5) == 0) {
        testDiag("%s", line + 5);
        rows++;
        return;
    }
    for (int i = 0; i < LINES; i++) {
        size_t length = strlen(lines[i].words);
        if (strncmp(line, lines[i].words, length) != 0) continue;
        char *rest = line + length;
        if (*rest == ' ') rest++;
        lines[i].run(*rest ? rest : NULL);
        return;
    }
    testAbort("tests/data/caget.txt: %s", line);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int main(void)
{
    char line[800];
    FILE *in = fopen("tests/data/caget.txt", "r");
    if (!in || !mkdtemp(disk)) testAbort("no tests/data/caget.txt, or no folder");
    snprintf(root, sizeof root, "/data=%s", disk);
    testPlan(0);
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line && *line != '#') run(line);
    }
    fclose(in);
    stop();
    testOk(rows == 15, "%d facts", rows);
    nftw(disk, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return testDone();
}
