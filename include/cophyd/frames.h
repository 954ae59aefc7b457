/* Frames in a local HDF5 file. Knows no EPICS: it can be used alone. */
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
    char filters[128];   /* "none", "LZ4", "shuffle+deflate": in the order of use */
} oph_frames_info;

/* Opens the image dataset of a file: `dataset`, or NULL for areaDetector's /entry/data/data.
 * A file that is absent or still being written is tried again until `timeout` (OPH_DEFAULT: 5 s);
 * then OPH_EFILE or OPH_EBUSY ("the IOC still writes this file"). A file in SWMR mode opens while
 * it is written. Never holds a file lock. Yours: oph_frames_free. */
OPH_API int oph_frames_open(const char *file, const char *dataset, double timeout, oph_frames **ret,
                            oph_error *err);

/* What the dataset is; with a SWMR writer: as the file is now. */
OPH_API int oph_frames_describe(oph_frames *frames, oph_frames_info *ret, oph_error *err);

/* Copies `count` frames from number `first` on (0 is the first), in the file's element type and the
 * machine's byte order, into `buffer`, which holds `buffer_bytes`. OPH_ERANGE: the file has no such
 * frames, or the buffer is too small. OPH_EFILE: they were never written, are damaged, their filter
 * is missing, or the file was written to after it was opened; the buffer may hold anything then.
 * Any thread; one at a time runs. */
OPH_API int oph_frames_read(oph_frames *frames, int64_t first, int64_t count, void *buffer,
                            size_t buffer_bytes, oph_error *err);
OPH_API void oph_frames_free(oph_frames *frames);

OPH_END_DECLS

#endif
