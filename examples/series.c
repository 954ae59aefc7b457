/* A series: a pulse from outside starts each frame, and all frames go to one file.
 *
 *     series [PREFIX [PULSE]]
 *
 * PULSE is a PV that makes a pulse when 1 is put to it: the simulator's, at a beamline that of a
 * delay generator. */
#include <cophyd/cophyd.h>
#include <inttypes.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "files hdf1 write=/mnt/fileserver/data/series\n"
                              "stage cam  wait_for_plugins=Yes\n"
                              "stage hdf1 lazy_open=1\n"
                              "class PulseGenerator\n"
                              "row   pulse Pulse rw any omitted\n";

enum { PULSES = 3 };

/* One pulse a frame; the next when that frame is written. */
static int make_pulses(oph_device *det, oph_signal *pulse, oph_error *err)
{
    const oph_put_options send = {.size = sizeof send, .policy = OPH_PUT_COMPLETE};
    oph_signal *written;
    int rc = oph_signal_find(det, "hdf1.num_captured", &written, err);
    for (int64_t n = 1; !rc && n <= PULSES; n++) {
        const oph_condition one_more = {.size = sizeof one_more, .equals = OPH_INT(n)};
        rc = oph_signal_put(pulse, OPH_INT(1), &send, err);
        if (!rc) rc = oph_signal_wait(written, &one_more, 10, err);
    }
    return rc;
}

/* A kickoff has succeeded when the detector waits for pulses. */
static int take_series(oph_device *det, oph_signal *pulse, oph_error *err)
{
    const oph_series series = {
        .size = sizeof series, .mode = OPH_SERIES_EDGE, .triggers = PULSES, .exposure = 0.05};
    oph_status *armed = NULL, *all = NULL;
    int64_t kickoffs, frames;
    int rc = oph_prepare(det, &series, &kickoffs, err);
    if (!rc) printf("kickoffs: %" PRId64 "\n", kickoffs);
    if (!rc) rc = oph_kickoff(det, &armed, err);
    if (!rc) rc = oph_complete(det, &all, err);
    if (!rc) rc = oph_status_wait(armed, 10, err);
    if (!rc) rc = make_pulses(det, pulse, err);
    if (!rc) rc = oph_status_wait(all, OPH_DEFAULT, err);
    if (!rc) rc = oph_series_index(det, &frames, err);
    if (!rc) printf("frames: %" PRId64 "\n", frames);
    oph_status_unref(armed);
    oph_status_unref(all);
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    const char *generator_prefix = argc > 2 ? argv[2] : "Pilatus:sim1:";
    oph_context *ctx = NULL;
    oph_device *det = NULL, *generator = NULL;
    oph_signal *pulse = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "series.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = oph_device_new(ctx, "PulseGenerator", generator_prefix, "gen", &generator, &err);
    if (!rc) rc = oph_signal_find(generator, "pulse", &pulse, &err);
    if (!rc) rc = oph_stage(det, NULL, &err);
    if (!rc) {
        rc = take_series(det, pulse, &err);
        int unstaged = oph_unstage(det, NULL, rc ? NULL : &err);
        if (!rc) rc = unstaged;
    }
    oph_error_print(&err, stderr);
    oph_device_free(generator);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
