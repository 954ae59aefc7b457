#include "sim/array.h"

#include <stdlib.h>
#include <string.h>

/* The elements of every type are aligned. */
_Static_assert(offsetof(struct sim_array, value) % sizeof(double) == 0, "elements of 8 bytes");

struct sim_array *sim_array_new_of(enum sim_element type, size_t count)
{
    struct sim_array *array = malloc(sizeof *array + count * sim_element_size(type));
    if (!array) return NULL;
    atomic_init(&array->refs, 1);
    array->type = type;
    array->count = count;
    return array;
}

struct sim_array *sim_array_new(size_t count)
{
    return sim_array_new_of(SIM_INT32, count);
}

void *sim_array_data(struct sim_array *array)
{
    return array->value;
}

size_t sim_array_bytes(const struct sim_array *array)
{
    return array->count * sim_element_size(array->type);
}

struct sim_array *sim_array_ref(struct sim_array *array)
{
    atomic_fetch_add(&array->refs, 1);
    return array;
}

void sim_array_unref(struct sim_array *array)
{
    if (array && atomic_fetch_sub(&array->refs, 1) == 1) free(array);
}

struct sim_frame *sim_frame_new_like(const struct sim_frame *like, enum sim_element type, int cols,
                                     int rows)
{
    struct sim_frame *frame = malloc(sizeof *frame);
    if (!frame) return NULL;
    *frame = (struct sim_frame){
        .unique_id = like->unique_id,
        .ndims = 2,
        .cols = cols,
        .rows = rows,
        .dim = {like->dim[0], like->dim[1]},
        .timestamp = like->timestamp,
        .epics_sec = like->epics_sec,
        .epics_nsec = like->epics_nsec,
        .pixels = sim_array_new_of(type, (size_t)cols * (size_t)rows),
    };
    atomic_init(&frame->refs, 1);
    memcpy(frame->driver_file, like->driver_file, sizeof frame->driver_file);
    if (frame->pixels) return frame;
    free(frame);
    return NULL;
}

struct sim_frame *sim_frame_new_empty(int32_t unique_id, int cols, int rows)
{
    const struct sim_frame like = {.unique_id = unique_id, .dim = {{0, 1, false}, {0, 1, false}}};
    return sim_frame_new_like(&like, SIM_INT32, cols, rows);
}

struct sim_frame *sim_frame_new(int32_t unique_id, int cols, int rows)
{
    struct sim_frame *frame = sim_frame_new_empty(unique_id, cols, rows);
    if (!frame) return NULL;
    int32_t *pixel = frame->pixels->value;
    for (int y = 0; y < rows; y++) {
        uint32_t first = 7919u * (uint32_t)unique_id + 2500u * (uint32_t)y;
        for (int x = 0; x < cols; x++)
            *pixel++ = (int32_t)((first + (uint32_t)x) & 0xFFFFF);
    }
    return frame;
}

struct sim_frame *sim_frame_ref(struct sim_frame *frame)
{
    atomic_fetch_add(&frame->refs, 1);
    return frame;
}

void sim_frame_unref(struct sim_frame *frame)
{
    if (!frame || atomic_fetch_sub(&frame->refs, 1) != 1) return;
    sim_array_unref(frame->pixels);
    free(frame);
}
