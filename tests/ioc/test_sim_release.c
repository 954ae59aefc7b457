/* cophyd-sim --ad: the records of each release of ADCore, their types and their labels, as
 * tests/data/records.csv and tests/data/labels.csv have them (Codec1:Compressor as the running IOC
 * of 3.14 has it), and acquisitions with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <epicsUnitTest.h>

#include "lib/detector.h"

enum { ROWS = 5000, NAMES = 3000 };

static const struct {
    const char *device, *template_name;
} served[] = {{"cam1:", "ADBase"},     {"cam1:", "NDFile"},      {"image1:", "NDStdArrays"},
              {"HDF1:", "NDFileHDF5"}, {"TIFF1:", "NDFileTIFF"}, {"ROI1:", "NDROI"},
              {"Stats1:", "NDStats"},  {"Proc1:", "NDProcess"},  {"Trans1:", "NDTransform"},
              {"Over1:", "NDOverlay"}, {"Codec1:", "NDCodec"},   {"CB1:", "NDCircularBuff"}};
enum { SERVED = sizeof served / sizeof *served };

/* A form of a record: its type, or its labels. */
struct form {
    char template_name[24], record[40], form[200];
    int first, last; /* second numbers of 3.x; 2.x is before 0 */
};

struct table {
    int count;
    struct form rows[ROWS];
};

static int minor_of(const char *release)
{
    return strncmp(release, "3.", 2) == 0 ? (int)strtol(release + 2, NULL, 10) : -1;
}

static void load(struct table *t, const char *path)
{
    char line[400], first[8], last[8];
    FILE *in = fopen(path, "r");
    if (!in || !fgets(line, sizeof line, in)) testAbort("no %s", path);
    while (fgets(line, sizeof line, in)) {
        struct form *f = &t->rows[t->count];
        if (t->count == ROWS || sscanf(line, "%23[^,],%39[^,],%199[^,],%7[^,],%7[0-9.]",
                                       f->template_name, f->record, f->form, first, last) != 5)
            testAbort("%s: %s", path, line);
        f->first = minor_of(first);
        f->last = minor_of(last);
        t->count += f->last >= 0;
    }
    fclose(in);
}

/* The form that the release has; NULL: it lacks the record. */
static const char *form_in(const struct table *t, const char *template_name, const char *record,
                           int minor)
{
    for (int i = 0; i < t->count; i++) {
        const struct form *f = &t->rows[i];
        if (f->first <= minor && minor <= f->last && strcmp(f->record, record) == 0 &&
            strcmp(f->template_name, template_name) == 0)
            return f->form;
    }
    return NULL;
}

struct wanted {
    char name[64], rtyp[72];
    const char *type, *labels;
};

static struct table types, labels;

/* All names that any release has, those of this release first. */
static int want(int minor, struct wanted *ret, int *ret_present)
{
    int count = 0;
    for (int there = 1; there >= 0; there--) {
        for (int s = 0; s < SERVED; s++) {
            const char *last = "";
            for (int i = 0; i < types.count; i++) {
                const struct form *f = &types.rows[i];
                if (strcmp(f->template_name, served[s].template_name) != 0 ||
                    strcmp(f->record, last) == 0)
                    continue;
                last = f->record;
                const char *type = form_in(&types, f->template_name, f->record, minor);
                if ((type != NULL) != there) continue;
                if (count == NAMES) testAbort("too many names");
                struct wanted *w = &ret[count++];
                snprintf(w->name, sizeof w->name, "%s%s", served[s].device, f->record);
                snprintf(w->rtyp, sizeof w->rtyp, "%s.RTYP", w->name);
                w->type = type;
                /* ADPilatus has its own labels for some records of both. */
                w->labels = strcmp(served[s].device, "cam1:") == 0
                                ? form_in(&labels, "pilatus", f->record, minor)
                                : NULL;
                if (!w->labels) w->labels = form_in(&labels, f->template_name, f->record, minor);
            }
        }
        if (there) *ret_present = count;
    }
    return count;
}

static int is_wrong(struct probe *p, const struct wanted *w)
{
    struct probe_facts facts;
    char type[40] = "";
    if (probe_get(p, w->rtyp, type, sizeof type) != 0 || strcmp(type, w->type) != 0) {
        testDiag("%s is a %s record, wanted %s", w->name, type, w->type);
        return 1;
    }
    if (!w->labels) return 0;
    if (probe_describe(p, w->name, &facts) == 0 && strcmp(facts.labels, w->labels) == 0) return 0;
    testDiag("%s has the labels %s, wanted %s", w->name, facts.labels, w->labels);
    return 1;
}

/* What is not there is searched for first, so that it would be found before what is there. */
static void records(struct probe *p, int minor, int *ret_absent)
{
    static struct wanted wanted[NAMES];
    static const char *names[2 * NAMES];
    int present = 0, wrong = 0, found = 0, count = want(minor, wanted, &present);
    for (int i = present; i < count; i++)
        probe_search(p, (const char *const[]){wanted[i].name}, 1);
    for (int i = 0; i < present; i++) {
        names[2 * i] = wanted[i].name;
        names[2 * i + 1] = wanted[i].rtyp;
    }
    testOk(probe_connect(p, names, 2 * present) == 0, "all %d records of 3.%d are there", present,
           minor);
    for (int i = 0; i < present; i++)
        wrong += is_wrong(p, &wanted[i]);
    testOk(wrong == 0, "%d of them have another type or other labels", wrong);
    for (int i = present; i < count; i++) {
        if (!probe_found(p, wanted[i].name)) continue;
        testDiag("%s is there", wanted[i].name);
        found++;
    }
    testOk(found == 0, "%d of %d that 3.%d lacks are there all the same", found, count - present,
           minor);
    *ret_absent = count - present;
}

static int release(int minor)
{
    char ad[8], version[16];
    int absent = 0;
    snprintf(ad, sizeof ad, "3.%d", minor);
    snprintf(version, sizeof version, "3.%d.0", minor);
    struct sim *sim = sim_start((const char *const[]){"--ad", ad, "--size", "64x48", NULL});
    struct probe *p = probe_new("Pilatus:");
    records(p, minor, &absent);
    probe_is(p, "cam1:ADCoreVersion_RBV", version);
    probe_is(p, "HDF1:ADCoreVersion_RBV", version);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    return absent;
}

/* A put with completion on Acquire ends with the acquisition in all releases: Acquire itself is
 * busy before 3.3, AcquireBusy is since then, which CP links clear in 3.3 and 3.4. */
static void completion(const char *ad, const char *raw)
{
    const char *busy = minor_of(ad) < 3 ? "cam1:Acquire" : "cam1:AcquireBusy";
    const char *arguments[] = {"--ad", ad, "--size", "64x48", "--raw", raw, "--instant", NULL};
    struct sim *sim = sim_start(arguments);
    struct probe *p = probe_new("Pilatus:");
    testDiag("release %s", ad);
    probe_watch(p, &busy, 1);
    probe_set(p, "cam1:AcquireTime", "0.05");
    probe_set(p, "image1:EnableCallbacks", "1");
    if (minor_of(ad) >= 3) probe_set(p, "cam1:WaitForPlugins", "Yes");
    for (int shot = 1; shot <= 3; shot++) {
        char count[8];
        snprintf(count, sizeof count, "%d", shot);
        int mark = probe_mark(p);
        testOk(probe_put_complete(p, "cam1:Acquire", "1", 5) == 0, "a put on Acquire completes");
        probe_is(p, busy, "Done");
        probe_is(p, "cam1:ArrayCounter_RBV", count);
        if (minor_of(ad) >= 3) probe_is(p, "image1:UniqueId_RBV", count);
        PROBE_WENT(p, mark, busy, minor_of(ad) < 3 ? "Acquire" : "Acquiring", "Done");
    }
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
}

int main(void)
{
    char raw[] = "/tmp/cophyd-raw-XXXXXX";
    if (!mkdtemp(raw)) testAbort("no folder");
    static const int minors[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    testPlan(0);
    load(&types, "tests/data/records.csv");
    load(&labels, "tests/data/labels.csv");
    for (size_t i = 0; i < sizeof minors / sizeof *minors; i++) {
        int absent = release(minors[i]);
        testOk(absent > 0, "3.%d lacks %d records that other releases have", minors[i], absent);
    }
    completion("3.0", raw);
    completion("3.2", raw);
    completion("3.3", raw);
    completion("3.4", raw);
    completion("3.5", raw);
    rmdir(raw);
    return testDone();
}
