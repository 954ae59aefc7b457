/* Series: what is refused before anything is sent, when a kickoff tells that the camera has begun,
 * how frames are counted from kickoff to kickoff, and that all is put back. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static struct detector d;

static oph_series series_of(int32_t mode, int64_t frames, int64_t triggers)
{
    return (oph_series){.size = sizeof(oph_series),
                        .mode = mode,
                        .frames = frames,
                        .triggers = triggers,
                        .exposure = 0.01};
}

static void stage(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
}

static void unstage(const char *after)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 0, "its report is empty");
    oph_report_print(report, stdout);
    oph_report_free(report);
    detector_unchanged(&d, after);
}

static void prepare(const oph_series *series, int64_t kickoffs, const char *mode,
                    const char *images)
{
    oph_error err = OPH_ERROR_INIT;
    int64_t found = 0;
    check_done(oph_prepare(d.det, series, &found, &err), &err, "the series is prepared");
    testOk(found == kickoffs, "it takes %lld kickoffs", (long long)found);
    probe_is(d.probe, "cam1:TriggerMode_RBV", mode);
    probe_is(d.probe, "cam1:NumImages_RBV", images);
    testOk(oph_device_state(d.det) == OPH_STATE_STAGED, "the device is staged");
}

static void index_is(int64_t wanted)
{
    oph_error err = OPH_ERROR_INIT;
    int64_t found = -1;
    check_done(oph_series_index(d.det, &found, &err), &err, "the series has an index");
    testOk(found == wanted, "%lld frames are written", (long long)found);
}

/* The camera has begun, as the status says; with it that of all its frames. */
static oph_status *kick_off(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *begun = NULL, *all = NULL;
    check_done(oph_kickoff(d.det, &begun, &err), &err, "it is kicked off");
    check_done(oph_complete(d.det, &all, &err), &err, "it can be waited for");
    if (!begun || !all) testAbort("nothing to wait for");
    check_done(oph_status_wait(begun, 10, &err), &err, "the camera has begun");
    oph_status_unref(begun);
    return all;
}

static void complete(oph_status *all, int64_t index)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_status_wait(all, OPH_DEFAULT, &err), &err, "its frames are written");
    oph_status_unref(all);
    index_is(index);
}

static void no_more(const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *begun = NULL;
    check_refused(oph_kickoff(d.det, &begun, &err), &err, OPH_ESTATE, "det", NULL, "one kickoff",
                  found);
}

static void refused(oph_series series, int code, const char *wanted, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    int mark = probe_mark(d.probe);
    struct probe_event e;
    check_refused(oph_prepare(d.det, &series, NULL, &err), &err, code, "det", NULL, wanted, found);
    testOk(!probe_event(d.probe, mark, &e), "nothing was put");
}

static void refusals(void)
{
    oph_error err = OPH_ERROR_INIT;
    stage();
    oph_series s = series_of(7, 1, 1);
    refused(s, OPH_EINVAL, "OPH_SERIES_INTERNAL", "7");
    refused(series_of(OPH_SERIES_EDGE, -1, 1), OPH_EINVAL, "numbers of frames", "below 0");
    refused(series_of(OPH_SERIES_GATE, 2, 1), OPH_EINVAL, "1 frame for each gate", "2");
    refused(series_of(OPH_SERIES_EDGE, 1, (int64_t)1 << 40), OPH_ERANGE, "at most 2147483647",
            "1099511627776");
    s = series_of(OPH_SERIES_INTERNAL, 1, 1);
    s.exposure = 0;
    refused(s, OPH_EINVAL, "an exposure above 0 s", "0");
    s.exposure = (double)NAN;
    refused(s, OPH_EINVAL, "an exposure above 0 s", "nan");
    s.exposure = 0.01;
    s.readout = -1;
    refused(s, OPH_EINVAL, "a readout", "-1");
    s.readout = 0;
    s.period = 0.011;
    refused(s, OPH_EINVAL, "at least 0.01228 s", "0.011");
    s.readout = 0.00095;
    check_done(oph_prepare(d.det, &s, NULL, &err), &err, "a PILATUS3 can do that");
    unstage("series that were refused");
    stage();
    check_refused(oph_complete(d.det, NULL, &err), &err, OPH_ESTATE, "det", NULL,
                  "a series that was kicked off", "call oph_prepare and oph_kickoff");
    unstage("nothing");
}

/* A writer that stops by itself would lose the rest. */
static void no_room(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_series s = series_of(OPH_SERIES_INTERNAL, 3, 2);
    oph_settings_set(d.hdf1, "num_capture", 5, NULL);
    stage();
    check_refused(oph_prepare(d.det, &s, NULL, &err), &err, OPH_EINVAL, "det.hdf1.num_capture",
                  "Pilatus:HDF1:NumCapture_RBV", "at least the series' 6 frames", "5");
    unstage("a capture that is too short");
}

/* What a file has already takes room, too. */
static void room_for_one(int first)
{
    oph_error err = OPH_ERROR_INIT;
    oph_series s = series_of(OPH_SERIES_INTERNAL, 3, 1);
    stage();
    prepare(&s, 1, "Internal", "3");
    complete(kick_off(), 3);
    check_refused(oph_prepare(d.det, &s, NULL, &err), &err, OPH_EINVAL, "det.hdf1.num_capture",
                  "Pilatus:HDF1:NumCapture_RBV", "at least the series' 3 frames",
                  "5, of which 3 are taken");
    unstage("a second series for which the capture is too short");
    detector_file_is(&d, 3, first, 64, 48);
    oph_settings_set(d.hdf1, "num_capture", 0, NULL);
}

static void internal(int first)
{
    oph_series s = series_of(OPH_SERIES_INTERNAL, 3, 2);
    s.exposure = 0.02;
    stage();
    prepare(&s, 2, "Internal", "3");
    probe_is_number(d.probe, "cam1:AcquireTime_RBV", 0.02);
    probe_is_number(d.probe, "cam1:AcquirePeriod_RBV", 0.02228);
    index_is(0);
    complete(kick_off(), 3);
    oph_status *all = kick_off();
    oph_progress p = {.size = sizeof p};
    oph_status_progress(all, &p, NULL);
    testOk(p.current >= 3 && p.target == 6, "progress goes on from 3 to 6");
    complete(all, 6);
    no_more("all 2 of its series");
    prepare(&s, 2, "Internal", "3");
    index_is(0);
    complete(kick_off(), 3);
    unstage("three kickoffs");
    detector_file_is(&d, 9, first, 64, 48);
}

static void pulse(void)
{
    probe_set(d.probe, "sim1:Pulse", "1");
}

/* One pulse before the camera is ready would be lost: it is sent when the status says so. */
static void edges(int first)
{
    static const char *const watched[] = {"HDF1:NumCaptured_RBV"};
    oph_series s = series_of(OPH_SERIES_EDGE, 1, 3);
    testOk(probe_watch(d.probe, watched, 1) == 0, "a witness watches");
    stage();
    prepare(&s, 1, "Mult. Trigger", "3");
    oph_status *all = kick_off();
    for (int i = 1; i <= 3; i++) {
        char count[8];
        int mark = probe_mark(d.probe);
        snprintf(count, sizeof count, "%d", i);
        pulse();
        testOk(probe_wait(d.probe, mark, "HDF1:NumCaptured_RBV", count, 10) >= 0,
               "a frame for pulse %d", i);
    }
    complete(all, 3);
    no_more("all 1 of its series");
    s = series_of(OPH_SERIES_EDGE, 2, 2);
    prepare(&s, 2, "Ext. Trigger", "2");
    for (int i = 1; i <= 2; i++) {
        all = kick_off();
        pulse();
        complete(all, 2 * i);
    }
    unstage("pulses");
    detector_file_is(&d, 7, first, 64, 48);
}

static void gates(int first)
{
    oph_series s = series_of(OPH_SERIES_GATE, 1, 2);
    stage();
    prepare(&s, 1, "Ext. Enable", "2");
    oph_status *all = kick_off();
    for (int i = 1; i <= 2; i++) {
        int mark = probe_mark(d.probe);
        char count[8];
        snprintf(count, sizeof count, "%d", i);
        probe_set(d.probe, "sim1:Gate", "High");
        probe_set(d.probe, "sim1:Gate", "Low");
        testOk(probe_wait(d.probe, mark, "HDF1:NumCaptured_RBV", count, 10) >= 0,
               "a frame for gate %d", i);
    }
    complete(all, 2);
    unstage("gates");
    detector_file_is(&d, 2, first, 64, 48);
}

static void stopped(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_series s = series_of(OPH_SERIES_EDGE, 1, 2);
    stage();
    prepare(&s, 1, "Mult. Trigger", "2");
    oph_status *all = kick_off();
    check_done(oph_stop(d.det, &err), &err, "it is stopped while it waits for a pulse");
    testOk(oph_status_done(all) && oph_status_error(all, &err) == OPH_ECANCEL, "%s", err.text);
    testOk(probe_get_number(d.probe, "cam1:Acquire") == 0 &&
               oph_device_state(d.det) == OPH_STATE_FAILED,
           "nothing runs");
    oph_status_unref(all);
    prepare(&s, 1, "Mult. Trigger", "2");
    all = kick_off();
    pulse();
    check_done(oph_status_cancel(all, &err), &err, "one is cancelled");
    testOk(oph_status_wait(all, 20, &err) == OPH_ECANCEL, "%s", err.text);
    oph_status_unref(all);
    unstage("series that were stopped");
}

/* What was prepared is what is started. */
static void changed_since(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *begun = NULL;
    oph_series s = series_of(OPH_SERIES_INTERNAL, 3, 1);
    stage();
    prepare(&s, 1, "Internal", "3");
    probe_set(d.probe, "cam1:NumImages", "4");
    check_refused(oph_kickoff(d.det, &begun, &err), &err, OPH_EMISMATCH, "det.cam.num_images",
                  "Pilatus:cam1:NumImages_RBV", "3 as prepared", "4");
    probe_set(d.probe, "cam1:NumImages", "3");
    s = series_of(OPH_SERIES_EDGE, 3, 1);
    prepare(&s, 1, "Ext. Trigger", "3");
    probe_set(d.probe, "cam1:TriggerMode", "Internal");
    check_refused(oph_kickoff(d.det, &begun, &err), &err, OPH_EMISMATCH, "det.cam.trigger_mode",
                  "Pilatus:cam1:TriggerMode_RBV", "Ext. Trigger as prepared", "Internal");
    unstage("that");
}

int main(void)
{
    static const char *const cam[] = {"cam1:TriggerMode", "cam1:NumImages", "cam1:AcquireTime",
                                      "cam1:AcquirePeriod"};
    testPlan(0);
    detector_start(&d, (const char *const[]){"--instant", NULL}, NULL);
    testOk(probe_watch(d.probe, cam, 4) == 0, "a witness watches");
    refusals();
    no_room();
    room_for_one(1);
    internal(4);
    edges(13);
    gates(20);
    stopped();
    changed_since();
    detector_works(&d, "after all");
    detector_end(&d);
    return testDone();
}
