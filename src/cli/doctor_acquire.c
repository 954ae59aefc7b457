/* A test image: taken, read, and nothing left changed. */
#include "cli/doctor.h"

#include <cophyd/frames.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- Where to write */

/* Without a template: to where the IOC's FilePath stands. */
static void take_folder(struct doctor *d, oph_device *store)
{
    char text[1024];
    double exists = 0;
    oph_error err = OPH_ERROR_INIT;
    if (oph_files_get(store, OPH_SIDE_IOC, text, sizeof text, NULL) != OPH_ESTATE) return;
    doctor_number(store, "file_path_exists", &exists);
    if (!doctor_text(store, "file_path", text, sizeof text) || !text[0] || exists == 0) {
        doctor_add(d, DOCTOR_FAILED, "Say by --write-root where the IOC may write a test image.",
                   "%s has no folder to write to", oph_device_path(store));
        return;
    }
    if (oph_files_set(store, text, NULL, &err)) doctor_error(d, &err);
}

/* --- The frame */

static void look_at_pixels(struct doctor *d, oph_frames *frames, const oph_frames_info *info)
{
    oph_error err = OPH_ERROR_INIT;
    void *pixels = malloc(info->frame_bytes > 0 ? (size_t)info->frame_bytes : 1);
    if (!pixels)
        d->failed = true;
    else if (oph_frames_read(frames, 0, 1, pixels, (size_t)info->frame_bytes, &err))
        doctor_error(d, &err);
    free(pixels);
}

/* The camera's image is what the file has. */
static void look_at_shape(struct doctor *d, const oph_frames_info *info)
{
    double width = 0, height = 0;
    const int64_t *shape = info->shape + info->rank - 2;
    if (!d->cam || info->rank < 3 || !doctor_number(d->cam, "array_size.array_size_x", &width) ||
        !doctor_number(d->cam, "array_size.array_size_y", &height))
        return;
    if ((double)shape[1] != width || (double)shape[0] != height)
        doctor_add(d, DOCTOR_FAILED,
                   "Do frames come through a plugin that cuts or bins them (cophyd graph)?",
                   "the file's frame is %" PRId64 " x %" PRId64 ", the camera's %.0f x %.0f",
                   shape[1], shape[0], width, height);
}

static void look_at_time(struct doctor *d, const oph_result *result, oph_frames *frames)
{
    oph_frame_stamp stamp = {-1, -1, (double)NAN};
    oph_times times = {.size = sizeof times};
    oph_result_times(result, &times);
    if (oph_frames_stamps(frames, 0, 1, &stamp, NULL) || stamp.time_ns < 0) return;
    double time = (double)stamp.time_ns / 1e9, end = times.begun + times.staging + times.acquiring;
    d->check = "clock";
    doctor_judge_clock(d, time < times.begun ? time - times.begun : time > end ? time - end : 0);
    d->check = "frame";
}

static void look_at_file(struct doctor *d, const oph_result *result, const oph_result_file *file)
{
    oph_frames_info info = {.size = sizeof info};
    oph_frames *frames = NULL;
    oph_error err = OPH_ERROR_INIT;
    size_t before = doctor_count(d);
    if (!file->local[0]) {
        doctor_add(d, DOCTOR_FAILED, "Say by --read-root how this machine names the folder.",
                   "%s: it is not known where this machine has it", file->ioc);
        return;
    }
    int rc = oph_frames_open(file->local, NULL, OPH_DEFAULT, &frames, &err);
    if (!rc) rc = oph_frames_describe(frames, &info, &err);
    if (rc) {
        doctor_add(d, DOCTOR_FAILED, "Is the IOC's folder mounted here (--read-root)?", "%s",
                   err.text);
    } else {
        look_at_pixels(d, frames, &info);
        look_at_shape(d, &info);
        if (doctor_count(d) == before)
            doctor_add(d, DOCTOR_OK, NULL,
                       "%s: %" PRId64 " frame%s of %" PRId64 " x %" PRId64 " %s, filters: %s",
                       file->local, info.shape[0], info.shape[0] == 1 ? "" : "s",
                       info.shape[info.rank - 1], info.shape[info.rank - 2],
                       oph_dtype_name(info.dtype), info.filters);
        look_at_time(d, result, frames);
    }
    oph_frames_free(frames);
}

/* --- All of it */

static void acquire(struct doctor *d)
{
    oph_result *result = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph_times times = {.size = sizeof times};
    int rc = oph_acquire(d->det, d->cli->timeout, &result, &err);
    const oph_report *report = oph_result_report(result);
    if (rc) doctor_error(d, &err);
    for (size_t i = 0; i < oph_report_count(report); i++) {
        const oph_error *one = oph_report_at(report, i);
        if (!rc || strcmp(one->text, err.text) != 0) doctor_error(d, one);
    }
    oph_result_times(result, &times);
    if (!rc && oph_result_frames(result) < 1)
        doctor_add(d, DOCTOR_FAILED, NULL, "it ended without a frame");
    else if (!rc)
        doctor_add(d, DOCTOR_OK, NULL,
                   "an image: %.3f s to stage, %.3f s to acquire, %.3f s to put back",
                   times.staging, times.acquiring, times.unstaging);
    d->check = "frame";
    for (size_t i = 0; !rc && i < oph_result_file_count(result); i++)
        look_at_file(d, result, oph_result_file_at(result, i));
    oph_result_free(result);
}

void doctor_acquire(struct doctor *d)
{
    doctor_each(d, d->det, "FileStorePluginBase", take_folder);
    if (doctor_count(d)) return;
    struct doctor_settings *before = doctor_settings_read(d);
    if (!before) return;
    acquire(d);
    d->check = "restored";
    struct doctor_settings *after = cli_interrupted() ? NULL : doctor_settings_read(d);
    if (after) doctor_settings_compare(d, before, after);
    if (after && !doctor_count(d))
        doctor_add(d, DOCTOR_OK, NULL, "all %zu settings are as before",
                   doctor_settings_count(after));
    doctor_settings_free(after);
    doctor_settings_free(before);
}
