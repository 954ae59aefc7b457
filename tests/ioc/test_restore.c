/* Unstage as a witness sees it: what comes back, in which order, and what is left alone. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

/* What staging writes, with values before it that are others than those staged: the log shows
 * changes. */
static const struct {
    const char *name, *before;
} odd[] = {
    {"cam1:ImageMode", "Continuous"},
    {"cam1:NumImages", "3"},
    {"cam1:AcquireTime", "0.2"},
    {"cam1:AcquirePeriod", "0.3"},
    {"cam1:WaitForPlugins", "No"},
    {"cam1:ArrayCallbacks", "Disable"},
    {"image1:EnableCallbacks", "Disable"},
    {"image1:BlockingCallbacks", "Yes"},
    {"HDF1:EnableCallbacks", "Disable"},
    {"HDF1:BlockingCallbacks", "Yes"},
    {"HDF1:AutoIncrement", "No"},
    {"HDF1:ArrayCounter", "5"},
    {"HDF1:AutoSave", "No"},
    {"HDF1:NumCapture", "7"},
    {"HDF1:FileTemplate", "%s%s_%d.odd"},
    {"HDF1:FileWriteMode", "Single"},
    {"HDF1:LazyOpen", "No"},
    {"HDF1:Compression", "zlib"},
    {"HDF1:CreateDirectory", "0"},
    {"HDF1:FilePath", "/tmp/"},
    {"HDF1:FileName", "odd"},
    {"HDF1:FileNumber", "9"},
    {"HDF1:Capture", "Done"},
};
enum { ODD = sizeof odd / sizeof *odd };

static void make_odd(void)
{
    const char *names[ODD];
    int rc = 0;
    for (int i = 0; i < ODD && rc == 0; i++) {
        names[i] = odd[i].name;
        if (i < ODD - 1) rc = probe_put_complete(d.probe, odd[i].name, odd[i].before, 5);
    }
    if (rc == 0) rc = probe_watch(d.probe, names, ODD);
    testOk(rc == 0, "all settings have odd values, and are watched");
    detector_remember(&d);
}

struct order {
    int count;
    int at[ODD]; /* indices of odd */
};

/* The settings that changed since the mark, in the order in which each changed first. */
static void changed(int mark, struct order *order)
{
    struct probe_event e;
    order->count = 0;
    for (; probe_event(d.probe, mark, &e); mark++) {
        int which = 0, known = 0;
        while (which < ODD && strcmp(odd[which].name, e.name) != 0)
            which++;
        for (int i = 0; i < order->count; i++)
            known = known || order->at[i] == which;
        if (which < ODD && !known) order->at[order->count++] = which;
    }
}

static int place_of(const struct order *order, const char *name)
{
    for (int i = 0; i < order->count; i++)
        if (strcmp(odd[order->at[i]].name, name) == 0) return i;
    return -1;
}

static void comes_before(const struct order *order, const char *first, const char *second)
{
    int a = place_of(order, first), b = place_of(order, second);
    testOk(a >= 0 && b > a, "%s is staged before %s", first, second);
}

/* Those of one port; the ports of an IOC go their ways side by side. Counters are staged and never
 * put back. */
static void of_port(const struct order *all, const char *port, struct order *ret)
{
    ret->count = 0;
    for (int i = 0; i < all->count; i++) {
        const char *name = odd[all->at[i]].name;
        if (strncmp(name, port, strlen(port)) == 0 && strcmp(name, "HDF1:ArrayCounter") != 0)
            ret->at[ret->count++] = all->at[i];
    }
}

static int is_reverse(const struct order *there, const struct order *back, const char *port)
{
    struct order a, b;
    int same = 0;
    of_port(there, port, &a);
    of_port(back, port, &b);
    for (int i = 0; i < a.count; i++)
        same += i < b.count && b.at[i] == a.at[a.count - 1 - i];
    return same == a.count && b.count == a.count;
}

static void reverse_order(void)
{
    oph_error err = OPH_ERROR_INIT;
    struct order there, back;
    int mark = probe_mark(d.probe);
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    /* An answer to the probe comes behind the updates before it. */
    testOk(probe_until(d.probe, "HDF1:Capture", "Capture", 5) == 0, "Capture is on");
    changed(mark, &there);
    testOk(there.count == ODD, "all %d settings changed: %d", (int)ODD, there.count);
    testOk(place_of(&there, "HDF1:Capture") == ODD - 1, "Capture last of all");
    comes_before(&there, "HDF1:CreateDirectory", "HDF1:FilePath");
    comes_before(&there, "HDF1:FileWriteMode", "HDF1:Capture");
    comes_before(&there, "HDF1:LazyOpen", "HDF1:Capture");
    mark = probe_mark(d.probe);
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    testOk(probe_until(d.probe, "cam1:ImageMode", "Continuous", 5) == 0, "the last is back");
    changed(mark, &back);
    int reverse = is_reverse(&there, &back, "cam1:") && is_reverse(&there, &back, "image1:") &&
                  is_reverse(&there, &back, "HDF1:");
    testOk(reverse && place_of(&back, "HDF1:Capture") == 0,
           "Capture came back first, then each port's settings in the reverse order");
    for (int i = 0; !reverse && i < ODD; i++)
        testDiag("%-24s %s", i < there.count ? odd[there.at[i]].name : "-",
                 i < back.count ? odd[back.at[i]].name : "-");
    detector_unchanged(&d, "stage and unstage");
}

static void twice(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage when idle is no error");
    testOk(oph_report_count(report) == 0, "and has nothing to say");
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    int mark = probe_mark(d.probe);
    check_refused(oph_stage(d.det, &report, &err), &err, OPH_ESTATE, "det", NULL, "stage",
                  "already staged");
    check_refused(oph_stage(d.cam, NULL, &err), &err, OPH_ESTATE, "det.cam", NULL, "stage",
                  "already staged");
    check_refused(oph_unstage(d.cam, NULL, &err), &err, OPH_ESTATE, "det.cam", NULL, "unstage",
                  "det is the device that was staged");
    testOk(probe_until(d.probe, "HDF1:Capture", "Capture", 5) == 0 && probe_mark(d.probe) == mark,
           "these refusals wrote nothing");
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    check_done(oph_unstage(d.det, NULL, &err), &err, "and again");
    detector_unchanged(&d, "all that");
    check_refused(oph_trigger(d.det, NULL, &err), &err, OPH_ESTATE, "det", NULL, "trigger",
                  "not staged");
}

static void changed_meanwhile(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    char value[64] = "";
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    testOk(probe_put_complete(d.probe, "cam1:AcquireTime", "0.7", 5) == 0 &&
               probe_put_complete(d.probe, "HDF1:FileName", "theirs", 5) == 0 &&
               probe_put_complete(d.probe, "cam1:NumImages", "3", 5) == 0,
           "somebody changes two settings, and puts a third back");
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 2, "its report has both: %zu", oph_report_count(report));
    const oph_error *name = oph_report_at(report, 0), *time = oph_report_at(report, 1);
    if (name && time) {
        check_refused(OPH_EMISMATCH, name, OPH_EMISMATCH, "det.hdf1.file_name",
                      "Pilatus:HDF1:FileName", "as staged", "theirs");
        check_refused(OPH_EMISMATCH, time, OPH_EMISMATCH, "det.cam.acquire_time",
                      "Pilatus:cam1:AcquireTime", "0.01 as staged", "0.7");
    }
    oph_report_free(report);
    testOk(probe_get(d.probe, "HDF1:FileName", value, sizeof value) == 0 &&
               strcmp(value, "theirs") == 0 && probe_get_number(d.probe, "cam1:AcquireTime") == 0.7,
           "what they wrote is kept");
    testOk(probe_put_complete(d.probe, "cam1:AcquireTime", "0.2", 5) == 0 &&
               probe_put_complete(d.probe, "HDF1:FileName", "odd", 5) == 0,
           "they put it back");
    detector_unchanged(&d, "that");
}

/* Without a definite value before, the readback's is put back. */
static void undefined(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_settings_set(d.hdf1, "sort_mode", "Sorted", &err), &err,
               "a record that nobody has written yet is staged");
    testOk(probe_get_severity(d.probe, "HDF1:SortMode") == 3 &&
               probe_get_severity(d.probe, "HDF1:AutoSave") == 3,
           "it is undefined, and so is AutoSave");
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    testOk(probe_get_number(d.probe, "HDF1:SortMode_RBV") == 1 &&
               probe_get_number(d.probe, "HDF1:AutoSave_RBV") == 1,
           "both are as staged");
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    testOk(probe_get_number(d.probe, "HDF1:SortMode_RBV") == 0 &&
               probe_get_number(d.probe, "HDF1:AutoSave_RBV") == 0,
           "their readbacks are as before");
    detector_unchanged(&d, "that");
    check_done(oph_settings_delete(d.hdf1, "sort_mode", &err), &err, "it is staged no more");
}

static void free_while_staged(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    oph_device_free(d.det);
    d.det = NULL;
    detector_unchanged(&d, "the device was freed while staged");
}

int main(void)
{
    testPlan(0);
    detector_start(&d, NULL, NULL);
    undefined();
    make_odd();
    reverse_order();
    twice();
    changed_meanwhile();
    detector_works(&d, "with all of them odd");
    free_while_staged();
    detector_end(&d);
    return testDone();
}
