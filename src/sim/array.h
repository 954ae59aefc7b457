/* A block of pixels (or sizes) that several owners share, and a camera's frame around it. */
#ifndef SIM_ARRAY_H
#define SIM_ARRAY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct sim_array {
    atomic_int refs;
    size_t count;
    int32_t value[];
};

/* One reference is the caller's; NULL without memory. */
struct sim_array *sim_array_new(size_t count);
struct sim_array *sim_array_ref(struct sim_array *array);
void sim_array_unref(struct sim_array *array); /* accepts NULL */

struct sim_frame {
    atomic_int refs;
    int32_t unique_id;
    int cols, rows;
    double timestamp;               /* seconds since 1990 */
    uint32_t epics_sec, epics_nsec; /* the same epoch */
    struct sim_array *pixels;       /* row by row, Int32 */
};

/* A frame of the test pattern: pixel(y, x) = (7919 * unique_id + 2500 * y + x) mod 1048576. */
struct sim_frame *sim_frame_new(int32_t unique_id, int cols, int rows);
/* The same, but with pixels that are still to be filled in. */
struct sim_frame *sim_frame_new_empty(int32_t unique_id, int cols, int rows);
struct sim_frame *sim_frame_ref(struct sim_frame *frame);
void sim_frame_unref(struct sim_frame *frame); /* accepts NULL */

#endif
