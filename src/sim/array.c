#include "sim/array.h"

#include <stdlib.h>

struct sim_array *sim_array_new(size_t count)
{
    struct sim_array *array = malloc(sizeof *array + count * sizeof array->value[0]);
    if (!array) return NULL;
    atomic_init(&array->refs, 1);
    array->count = count;
    return array;
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

struct sim_frame *sim_frame_new_empty(int32_t unique_id, int cols, int rows)
{
    struct sim_frame *frame = calloc(1, sizeof *frame);
    if (!frame) return NULL;
    frame->pixels = sim_array_new((size_t)cols * (size_t)rows);
    if (!frame->pixels) {
        free(frame);
        return NULL;
    }
    atomic_init(&frame->refs, 1);
    frame->unique_id = unique_id;
    frame->cols = cols;
    frame->rows = rows;
    return frame;
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
