/* Frames in a local file: HDF5, or a TIFF or CBF of one frame as camserver writes them. Knows no
 * EPICS: it can be used alone. */
#ifndef COPHYD_FRAMES_H
#define COPHYD_FRAMES_H

#include <cophyd/error.h>
#include <cophyd/dtype.h>

OPH_BEGIN_DECLS

typedef struct oph_frames oph_frames;

/* Set `size` to sizeof(oph_frames_info) before the call. */
typedef struct oph_frames_info {
    uint32_t size;
    int32_t dtype;       /* enum oph_dtype */
    uint32_t item_bytes; /* of one pixel */
    uint32_t rank;       /* 3 for [frame, y, x]; a dataset [y, x] counts as one frame [1, y, x] */
    int64_t shape[10];   /* shape[0] frames; 1 in the places past rank */
    int64_t frame_bytes; /* of one frame in memory */
    char filters[128];   /* "none", "LZ4", "shuffle+deflate": in the order of use; "byte offset" */
} oph_frames_info;

/* Opens the image dataset of a file: `dataset`, or NULL for areaDetector's /entry/data/data; of a
 * TIFF or CBF file its only image. Knows the file by its first bytes, whatever its name. A file
 * that is absent or still being written is tried again until `timeout` (OPH_DEFAULT: 5 s); then
 * OPH_EFILE or OPH_EBUSY ("the IOC still writes this file"). A file in SWMR mode opens while it is
 * written. Never holds a file lock. Yours: oph_frames_free. */
OPH_API int oph_frames_open(const char *file, const char *dataset, double timeout, oph_frames **ret,
                            oph_error *err);

/* The same, for a file that is known to get at least `count` frames (NumCaptured_RBV): one that has
 * fewer is not all here yet, and tried again or followed until `timeout`. */
OPH_API int oph_frames_open_whole(const char *file, const char *dataset, int64_t count,
                                  double timeout, oph_frames **ret, oph_error *err);

/* The same, for files from strangers; `count` 0: of any number. libhdf5, which a damaged file can
 * crash or keep for ever, has a process of its own, a fork of this one that does nothing else, and
 * may take 4 GB of memory and 10 s for what it is asked. Where that ends, the error says so, then
 * and from then on: OPH_EFILE. Finding a chunk costs a few microseconds more; reading and decoding
 * do not, but for filters that libhdf5 undoes. A program that calls libhdf5 itself should not be
 * in such a call in another thread: the process would wait, and be ended. OPH_ESYSTEM when there
 * can be no process. */
OPH_API int oph_frames_open_isolated(const char *file, const char *dataset, int64_t count,
                                     double timeout, oph_frames **ret, oph_error *err);

/* What the dataset is; with a SWMR writer: as the file is now. */
OPH_API int oph_frames_describe(oph_frames *frames, oph_frames_info *ret, oph_error *err);

/* Copies `count` frames from number `first` on (0 is the first), in the file's element type and the
 * machine's byte order, into `buffer`, which holds `buffer_bytes`. OPH_ERANGE: the file has no such
 * frames, or the buffer is too small. OPH_EFILE: one was never written, is damaged, its filter is
 * missing, or the file was written to after it was opened: the sentence names the file, the first
 * such frame and the reason, and the buffer may hold anything then; the other frames can be read.
 * OPH_EFORK: in a child of the process that opened it. Any thread, several at once: each request is
 * read and decoded by all threads of the handle and by the one that asks. */
OPH_API int oph_frames_read(oph_frames *frames, int64_t first, int64_t count, void *buffer,
                            size_t buffer_bytes, oph_error *err);

/* The same of a part of each frame: size[i] pixels from number from[i] on along axis i + 1 of the
 * shape, so both have rank - 1 numbers. NULL: from the first; to the last. Only the chunks that
 * the part touches are read. */
OPH_API int oph_frames_read_region(oph_frames *frames, int64_t first, int64_t count,
                                   const int64_t *from, const int64_t *size, void *buffer,
                                   size_t buffer_bytes, oph_error *err);

/* Whether frames that went through this filter can be read here: "LZ4", "bitshuffle", as
 * oph_frames_info has it, in any case. 0, or OPH_EFILE with what to install; OPH_ENOTFOUND for a
 * filter of no known name. Any thread. */
OPH_API int oph_frames_can_read(const char *filter, oph_error *err);

/* How many threads read and decode, with the one that asks: at most 64; 0, as at first: as many as
 * this process may use cores. They are made when first needed, and end with the handle. */
OPH_API int oph_frames_set_threads(oph_frames *frames, int32_t count, oph_error *err);

/* Memory for many frames, on huge pages where that pays: a whole series is read into such a buffer
 * twice as fast as into new memory of malloc. Yours: oph_frames_buffer_free. */
OPH_API int oph_frames_buffer_new(size_t bytes, void **ret, oph_error *err);
OPH_API void oph_frames_buffer_free(void *buffer);

/* --- Frames one after the other: while you have one, the next are read and decoded */

typedef struct oph_frames_iter oph_frames_iter;

/* Set `size` to sizeof(oph_frames_iter_options); zeros elsewhere stand for all of all frames. */
typedef struct oph_frames_iter_options {
    uint32_t size;
    int32_t ahead;       /* frames that are read before they are asked for; 0: enough */
    int64_t first;       /* frame */
    int64_t count;       /* 0: to the last one that there is now */
    const int64_t *from; /* as in oph_frames_read_region: a part of each frame, or NULL */
    const int64_t *extent;
} oph_frames_iter_options;

/* `options` NULL: all. Holds the frames, so that these may be freed before it. Its memory is that
 * of the frames ahead and of yours. Yours: oph_frames_iter_free. */
OPH_API int oph_frames_iter_new(oph_frames *frames, const oph_frames_iter_options *options,
                                oph_frames_iter **ret, oph_error *err);

/* The next frame: borrowed, until the next call; NULL after the last. `ret_number` may be NULL; it
 * is set for a frame that fails, too. Such a frame is an error as in oph_frames_read, and the next
 * call goes on with the one after it. One thread at a time. */
OPH_API int oph_frames_iter_next(oph_frames_iter *iter, const void **ret_pixels,
                                 int64_t *ret_number, oph_error *err);
OPH_API void oph_frames_iter_free(oph_frames_iter *iter);

/* --- Following a file with a SWMR writer */

/* Returns when the file has more than `known` frames, or its writer has closed it (ret_ended is 1:
 * there will be no more), or `fd` (-1: none; as that of an oph_queue on NumCaptured_RBV) can be
 * read: empty it then. ret_count is how many frames there are. Changes on a local disk are seen by
 * themselves, those on another within 50 ms, or when oph_frames_wake says so. OPH_ETIMEOUT after
 * `timeout` (OPH_DEFAULT: 10 s); a killed writer looks like one that writes no more. A file without
 * a SWMR writer has ended. Any thread, one at a time. */
OPH_API int oph_frames_follow(oph_frames *frames, int64_t known, int32_t fd, double timeout,
                              int64_t *ret_count, int32_t *ret_ended, oph_error *err);
/* Makes oph_frames_follow look at once. Any thread, callbacks too. */
OPH_API void oph_frames_wake(oph_frames *frames);

/* --- What the IOC noted of each frame (areaDetector's NDAttributes) */

typedef struct oph_frame_stamp {
    int64_t unique_id; /* NDArrayUniqueId; -1: none */
    int64_t time_ns;   /* NDArrayEpicsTSSec and nSec: nanoseconds since 1970, UTC; -1: none */
    double timestamp;  /* NDArrayTimeStamp: seconds of the driver's clock; NaN: none */
} oph_frame_stamp;

/* Of `count` frames from number `first` on. */
OPH_API int oph_frames_stamps(oph_frames *frames, int64_t first, int64_t count,
                              oph_frame_stamp *ret, oph_error *err);

/* The same for any attribute that is a number. OPH_ENOTFOUND: the file has no such attribute; NaN:
 * it does not say for that frame. */
OPH_API int oph_frames_attribute(oph_frames *frames, const char *name, int64_t first, int64_t count,
                                 double *ret, oph_error *err);

/* Looks at `count` frames from number `first` on: gaps and repeats in NDArrayUniqueId, frames that
 * were never written or lie outside of the file; with `pixels` also each pixel that cannot be
 * decoded, which takes as long as reading. OPH_EFILE: there are findings, each in the report, which
 * is yours then and when there are none; the first is in err. ret_report may be NULL. */
OPH_API int oph_frames_check(oph_frames *frames, int64_t first, int64_t count, int32_t pixels,
                             oph_report **ret_report, oph_error *err);

/* Not while another thread is in a call with it. */
OPH_API void oph_frames_free(oph_frames *frames);

OPH_END_DECLS

#endif
