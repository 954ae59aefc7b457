/* Acquiring with a staged device: triggers, series, stopping; and all of it in one call. */
#ifndef COPHYD_ACQUIRE_H
#define COPHYD_ACQUIRE_H

#include <cophyd/device.h>
#include <cophyd/status.h>

OPH_BEGIN_DECLS

/* Starts what the device's class calls a trigger: one acquisition (SingleTrigger), one for each
 * step of its cycle (MultiTrigger), or frames out of a circular buffer
 * (ContinuousAcquisitionTrigger). It first looks whether that can work (OPH_ESTATE, OPH_EINVAL;
 * OPH_EDISCONN where the IOC was away since staging), and waits, after one that failed, until no
 * plugin has frames of that any more, which would be counted for this one (else OPH_ESTATE).
 * Refused, the device is in state failed, which is staged. Then it returns, and the status tells
 * the end. Done means: the put's completion, the detector's state, and the writer's frames say so;
 * if they do not the status fails with OPH_EACQUIRE. It fails with OPH_ETIMEOUT when the first
 * frame is not there after NumImages (at most 3) * AcquirePeriod, ImageFileTmot and 10 s, or when
 * no frame has come for 3 periods and ImageFileTmot; with an external trigger either may take an
 * hour. The error then names the plugins that hold frames back. Its progress counts the frames at
 * the slowest writer. OPH_ESTATE also where the device is not staged; OPH_EINVAL also where its
 * class has no trigger. */
OPH_API int oph_trigger(oph_device *dev, oph_status **ret_status, oph_error *err);

/* How many frames one acquisition brings to each writer; 0: as many as the camera takes, which the
 * trigger refuses to assume (OPH_EINVAL) where the way to the writer leads through a plugin that
 * passes on another number. Holds from the next trigger on. OPH_EINVAL below 0. */
OPH_API int oph_trigger_set_frames(oph_device *dev, int64_t frames, oph_error *err);

/* Cancels a stage, a plan or a warm-up under way in another thread, which puts back what it
 * touched. Ends an acquisition or a series of the tree that dev is in (its status fails with
 * OPH_ECANCEL), brings the camera of a staged device to a halt also where it runs without one (but
 * that of a continuous trigger, which fills its buffer on), and waits, at most the context's
 * stop_timeout for each. What is staged stays so, and can be triggered
 * again. A motor (motor.h), and those below the device, are stopped, whoever moves them, and waited
 * for likewise. Idle: returns 0, and touches nothing. OPH_ESTATE while another thread unstages it.
 */
OPH_API int oph_stop(oph_device *dev, oph_error *err);

/* Pulses are for a Pilatus: a camera's class without Armed is refused with OPH_ENOTFOUND. */
enum oph_series_mode {
    OPH_SERIES_INTERNAL = 0, /* the detector's own clock; a kickoff is a trigger */
    OPH_SERIES_EDGE = 1,     /* a pulse starts the frames of a trigger */
    OPH_SERIES_GATE = 2,     /* a pulse is as long as the exposure of its frame */
    OPH_SERIES_PIN_ = INT32_MIN
};
/* Set `size` to sizeof(oph_series). */
typedef struct oph_series {
    uint32_t size;
    int32_t mode;     /* enum oph_series_mode */
    int64_t frames;   /* a trigger; 1 for gates. 0: 1 */
    int64_t triggers; /* 0: 1 */
    double exposure;  /* seconds; of a gate: the longest */
    double period;    /* from frame to frame, seconds, at least exposure + readout. 0: just that */
    double readout;   /* seconds. 0: 0.95 ms of a PILATUS3, 2.28 ms of any other Pilatus */
} oph_series;

/* Prepares a staged device for series: checks the times and numbers before anything is sent, then
 * writes and verifies TriggerMode, NumImages, AcquireTime, AcquirePeriod, which unstage puts back.
 * May be called again before the next kickoff. The detector waits by itself for all triggers of one
 * frame each (one kickoff); else each trigger takes a kickoff. All go to the file that is staged.
 * *ret_kickoffs (NULL allowed): how many the series takes. OPH_EINVAL (also without SingleTrigger),
 * OPH_ERANGE, OPH_ESTATE where the device is not staged or acquires. Refused for anything else, the
 * device is in state failed, which is staged. */
OPH_API int oph_prepare(oph_device *dev, const oph_series *series, int64_t *ret_kickoffs,
                        oph_error *err);

/* Starts the next acquisition of the series. The status succeeds when the camera has begun: with
 * pulses from outside when Armed has risen after this start, so that none can be lost. OPH_ESTATE
 * where nothing was prepared, or all kickoffs were made. */
OPH_API int oph_kickoff(oph_device *dev, oph_status **ret_status, oph_error *err);

/* The status of the newest kickoff, done when its frames are written: judged as a trigger's is. Its
 * progress goes on from kickoff to kickoff of the series. OPH_ESTATE before the first kickoff. */
OPH_API int oph_complete(oph_device *dev, oph_status **ret_status, oph_error *err);

/* How many frames of the series all writers have. OPH_ESTATE where nothing was prepared. */
OPH_API int oph_series_index(oph_device *dev, int64_t *ret, oph_error *err);

/* What came of oph_acquire. The calls below take NULL for a result without anything in it. */
typedef struct oph_result oph_result;

/* Stage, trigger, wait, and always unstage. timeout: of the acquisition, OPH_DEFAULT from its
 * settings. The first error counts. The result (ret_result may be NULL) is yours, also on an error;
 * it is not written when the call is refused outright (OPH_EFORK, OPH_EDEADLK). */
OPH_API int oph_acquire(oph_device *dev, double timeout, oph_result **ret_result, oph_error *err);

/* The error of the call: code 0 after success. Returns that code. */
OPH_API int oph_result_error(const oph_result *result, oph_error *ret);
/* Frames at the slowest writer; also those of an acquisition that failed. */
OPH_API int64_t oph_result_frames(const oph_result *result);

/* A file of an acquisition that succeeded: one for each plugin that wrote, of several files (one a
 * frame) the last; oph_file_name_at has all. Borrowed from the result. */
typedef struct oph_result_file {
    const char *device; /* the plugin's path: "det.hdf1" */
    const char *ioc;    /* its name as the IOC knows it */
    const char *local;  /* as this machine does; empty where that cannot be told */
} oph_result_file;
OPH_API size_t oph_result_file_count(const oph_result *result);
/* NULL past the end. */
OPH_API const oph_result_file *oph_result_file_at(const oph_result *result, size_t index);

/* How long each part took. Set `size` to sizeof(oph_times). NAN: it did not come to that. */
typedef struct oph_times {
    uint32_t size;
    uint32_t reserved;
    double begun;     /* seconds since 1970, UTC, when the call was made */
    double staging;   /* seconds that each took */
    double acquiring; /* trigger and wait */
    double unstaging;
} oph_times;
OPH_API void oph_result_times(const oph_result *result, oph_times *ret);

/* Of unstage, or of a stage that failed, which lists its cause too: empty when all is as before.
 * Borrowed; NULL is an empty one. */
OPH_API const oph_report *oph_result_report(const oph_result *result);
OPH_API void oph_result_free(oph_result *result); /* NULL allowed */

OPH_END_DECLS

#endif
