/* All of an acquisition in one call, and what came of it. */
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "core/device.h"
#include <cophyd/acquire.h>
#include <cophyd/detector.h>
#include <cophyd/stage.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct oph_result {
    oph_error error;
    int64_t frames;
    struct oph__vec files; /* struct oph_result_file, whose texts are its own */
    oph_times times;
    oph_report *report;
};

static void free_file(oph_result_file *file)
{
    free((char *)(uintptr_t)file->device);
    free((char *)(uintptr_t)file->ioc);
    free((char *)(uintptr_t)file->local);
    free(file);
}

/* A device that keeps no name for a file has written none. */
static int add_file(oph_device *dev, void *user, oph_error *err)
{
    oph_result *result = user;
    char ioc[1024], local[1024] = "";
    if (oph_file_name(dev, OPH_SIDE_IOC, ioc, sizeof ioc, NULL)) return 0;
    if (oph_file_name(dev, OPH_SIDE_LOCAL, local, sizeof local, NULL)) local[0] = 0;
    oph_result_file *file = calloc(1, sizeof *file);
    if (!file) return oph__fail_memory(err, "a result");
    file->device = oph__dup(dev->path);
    file->ioc = oph__dup(ioc);
    file->local = oph__dup(local);
    if (file->device && file->ioc && file->local && oph__vec_add(&result->files, file)) return 0;
    free_file(file);
    return oph__fail_memory(err, "a result");
}

static int trigger_and_wait(oph_device *dev, double timeout, oph_result *result, oph_error *err)
{
    oph_status *st = NULL;
    oph_progress p = {.size = sizeof p};
    double since = oph__now();
    int rc = oph_trigger(dev, &st, err);
    if (rc) return rc;
    rc = oph_status_wait(st, timeout, err);
    result->times.acquiring = oph__now() - since;
    oph_status_progress(st, &p, NULL);
    oph_status_unref(st);
    if (!isnan(p.current)) result->frames = (int64_t)p.current;
    return rc ? rc : oph__device_each(dev, add_file, result, err);
}

static int acquire(oph_device *dev, double timeout, oph_result *result, oph_error *err)
{
    double since = oph__now();
    int rc = oph_stage(dev, &result->report, err);
    result->times.staging = oph__now() - since;
    if (rc) return rc;
    oph_report_free(result->report);
    result->report = NULL;
    rc = trigger_and_wait(dev, timeout, result, err);
    oph_error late = OPH_ERROR_INIT;
    since = oph__now();
    int unstaged = oph_unstage(dev, &result->report, &late);
    result->times.unstaging = oph__now() - since;
    if (rc || !unstaged) return rc;
    *err = late;
    return unstaged;
}

static oph_times no_times(double begun)
{
    return (oph_times){.size = sizeof(oph_times),
                       .begun = begun,
                       .staging = (double)NAN,
                       .acquiring = (double)NAN,
                       .unstaging = (double)NAN};
}

static oph_result *new_result(void)
{
    oph_result *result = calloc(1, sizeof *result);
    struct timespec now;
    if (!result) return NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    result->times = no_times((double)now.tv_sec + (double)now.tv_nsec * 1e-9);
    return result;
}

int oph_acquire(oph_device *dev, double timeout, oph_result **ret_result, oph_error *err)
{
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph_result *result = new_result();
    if (!result) return oph__fail_memory(err, "a result");
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = acquire(dev, timeout, result, &result->error);
    oph__call_end(&dev->ctx->waits, &call);
    if (rc && err) *err = result->error;
    if (ret_result)
        *ret_result = result;
    else
        oph_result_free(result);
    return rc;
}

int oph_result_error(const oph_result *result, oph_error *ret)
{
    if (ret) *ret = result ? result->error : (oph_error)OPH_ERROR_INIT;
    return result ? result->error.code : 0;
}

int64_t oph_result_frames(const oph_result *result)
{
    return result ? result->frames : 0;
}

size_t oph_result_file_count(const oph_result *result)
{
    return result ? result->files.count : 0;
}

const oph_result_file *oph_result_file_at(const oph_result *result, size_t index)
{
    return index < oph_result_file_count(result) ? result->files.at[index] : NULL;
}

void oph_result_times(const oph_result *result, oph_times *ret)
{
    uint32_t size = ret->size;
    oph_times times = no_times((double)NAN);
    if (result) times = result->times;
    memcpy(ret, &times, size < sizeof times ? size : sizeof times);
    ret->size = size;
}

const oph_report *oph_result_report(const oph_result *result)
{
    return result ? result->report : NULL;
}

void oph_result_free(oph_result *result)
{
    if (!result) return;
    for (size_t i = 0; i < result->files.count; i++)
        free_file(result->files.at[i]);
    oph__vec_free(&result->files);
    oph_report_free(result->report);
    free(result);
}
