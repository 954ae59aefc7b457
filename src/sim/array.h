/* A block of pixels (or sizes) that several owners share, and a camera's frame around it. */
#ifndef SIM_ARRAY_H
#define SIM_ARRAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/element.h"
#include "sim/path.h"

struct sim_array {
    atomic_int refs;
    enum sim_element type;
    size_t count;
    int32_t value[]; /* those of an array of Int32; sim_array_data has all */
};

/* One reference is the caller's; NULL without memory. Of Int32, or of that type. */
struct sim_array *sim_array_new(size_t count);
struct sim_array *sim_array_new_of(enum sim_element type, size_t count);
void *sim_array_data(struct sim_array *array);
size_t sim_array_bytes(const struct sim_array *array);
struct sim_array *sim_array_ref(struct sim_array *array);
void sim_array_unref(struct sim_array *array); /* accepts NULL */

/* Where in the detector's frame a dimension comes from: columns first. */
struct sim_dim {
    int offset, binning;
    bool reverse;
};

struct sim_frame {
    atomic_int refs;
    int32_t unique_id;
    int ndims;      /* 2, or less where a ROI collapsed dimensions */
    int cols, rows; /* 1 where there is no such dimension */
    struct sim_dim dim[2];
    double timestamp;                /* seconds since 1990 */
    uint32_t epics_sec, epics_nsec;  /* the same epoch */
    char driver_file[SIM_PATH_SIZE]; /* that the IOC sees the driver read it from, or empty */
    struct sim_array *pixels;        /* row by row; Int32 from a camera */
};

/* A frame of the test pattern: pixel(y, x) = (7919 * unique_id + 2500 * y + x) mod 1048576. */
struct sim_frame *sim_frame_new(int32_t unique_id, int cols, int rows);
/* Of the same identity, with pixels that are to be filled. NULL without memory. */
struct sim_frame *sim_frame_new_like(const struct sim_frame *frame, enum sim_element type, int cols,
                                     int rows);
/* The same, but with pixels that are still to be filled in. */
struct sim_frame *sim_frame_new_empty(int32_t unique_id, int cols, int rows);
struct sim_frame *sim_frame_ref(struct sim_frame *frame);
void sim_frame_unref(struct sim_frame *frame); /* accepts NULL */

#endif
