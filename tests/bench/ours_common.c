#include "bench/ours.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void count_init(struct count *c)
{
    sem_init(&c->zero, 0, 0);
}

void count_expect(struct count *c, int events)
{
    atomic_store(&c->left, events);
}

void count_one(struct count *c)
{
    if (atomic_fetch_sub(&c->left, 1) == 1) sem_post(&c->zero);
}

void count_wait(struct count *c)
{
    struct timespec until;
    int rc;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)PATIENCE;
    while ((rc = sem_timedwait(&c->zero, &until)) && errno == EINTR) {
    }
    side_need(rc == 0, "ours: no events");
}

void ours_need(int rc, const oph_error *err)
{
    side_need(rc == 0, err->text);
}

oph_context *ours_context(void)
{
    const oph_context_options patient = {.size = sizeof patient, .connect_timeout = PATIENCE};
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    ours_need(oph_context_new(&patient, &ctx, &err), &err);
    return ctx;
}

void ours_parse(oph_context *ctx, const char *text)
{
    oph_error err = OPH_ERROR_INIT;
    ours_need(oph_class_parse(ctx, text, "ours.c", NULL, &err), &err);
}

char *ours_class_text(const char *name, int first, int end)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    side_need(out != NULL, "no memory");
    fprintf(out, "class %s\n", name);
    for (int i = first; i < end; i++)
        fprintf(out, "row s%d s%d rw float config\n", i, i);
    side_need(fclose(out) == 0, "no memory");
    return text;
}

oph_device *ours_device(oph_context *ctx, const char *name, int first, int end)
{
    char *text = ours_class_text(name, first, end), key[32];
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;

    ours_parse(ctx, text);
    free(text);
    ours_need(oph_device_new(ctx, name, "b:", name, &dev, &err), &err);
    for (int i = first; i < end; i++) {
        snprintf(key, sizeof key, "s%d", i);
        ours_need(oph_settings_set(dev, key, 0, &err), &err);
    }
    return dev;
}

void ours_connect(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    ours_need(oph_connect(dev, PATIENCE, NULL, &err), &err);
}

void ours_find(oph_device *dev, oph_signal **ret)
{
    oph_error err = OPH_ERROR_INIT;
    for (size_t i = 0; i < oph_device_attr_count(dev); i++)
        ours_need(oph_signal_find(dev, oph_device_attr_at(dev, i), &ret[i], &err), &err);
}

double ours_gets(oph_signal *sig, int32_t *pixels, size_t count, int times)
{
    oph_error err = OPH_ERROR_INIT;
    double started = side_now();

    for (int i = 0; i < times; i++) {
        size_t got = 0;
        ours_need(oph_signal_read_into(sig, NULL, pixels, count * sizeof *pixels, &got, &err),
                  &err);
        side_need(got == count && pixels[count - 1] == (int32_t)count - 1, "ours: a wrong array");
    }
    return (side_now() - started) / times;
}

/* --- The detector */

const char ours_detector_text[] =
    "class BenchCam : PilatusDetectorCam\n"
    "row   wait_for_plugins WaitForPlugins rw enum config\n"
    "class BenchHDF5 : HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
    "class BenchDetector : SingleTrigger DetectorBase\n"
    "dev   cam   cam1:   BenchCam\n"
    "dev   image image1: ImagePlugin\n"
    "dev   hdf1  HDF1:   BenchHDF5\n"
    "files hdf1  write=/bench/data/ read=/bench/data/\n"
    "stage cam   image_mode=Single num_images=1 acquire_time=0.1 acquire_period=0.105\n"
    "stage cam   wait_for_plugins=Yes\n"
    "stage hdf1  lazy_open=1 compression=LZ4 file_template=\"%s%s_%3.3d.h5\"\n";

oph_device *ours_detector(oph_context *ctx, int number)
{
    oph_device *det = NULL, *hdf1 = NULL;
    oph_error err = OPH_ERROR_INIT;
    char prefix[32], here[512];
    const char *disk = getenv("DISK");

    snprintf(prefix, sizeof prefix, number > 1 ? "Pilatus%d:" : "Pilatus:", number);
    ours_need(oph_device_new(ctx, "BenchDetector", prefix, "det", &det, &err), &err);
    ours_need(oph_device_child(det, "hdf1", &hdf1, &err), &err);
    snprintf(here, sizeof here, "%s/data/", disk ? disk : "");
    ours_need(oph_files_set(hdf1, "/bench/data/", here, &err), &err);
    return det;
}

void ours_stage(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    ours_need(oph_stage(det, NULL, &err), &err);
}

void ours_trigger(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status;
    ours_need(oph_trigger(det, &status, &err), &err);
    ours_need(oph_status_wait(status, OPH_DEFAULT, &err), &err);
    oph_status_unref(status);
}

void ours_unstage(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    ours_need(oph_unstage(det, NULL, &err), &err);
}
