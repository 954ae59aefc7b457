#include "sim/element.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 1024 };

static const unsigned char sizes[SIM_ELEMENTS] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

size_t sim_element_size(enum sim_element type)
{
    return sizes[type];
}

#define LOAD(type)                                                                                 \
    for (size_t i = 0; i < count; i++)                                                             \
        ret[i] = (double)((const type *)from)[i];                                                  \
    break

void sim_element_load(enum sim_element type, const void *from, size_t count, double *ret)
{
    switch (type) {
    case SIM_INT8: LOAD(int8_t);
    case SIM_UINT8: LOAD(uint8_t);
    case SIM_INT16: LOAD(int16_t);
    case SIM_UINT16: LOAD(uint16_t);
    case SIM_INT32: LOAD(int32_t);
    case SIM_UINT32: LOAD(uint32_t);
    case SIM_INT64: LOAD(int64_t);
    case SIM_UINT64: LOAD(uint64_t);
    case SIM_FLOAT32: LOAD(float);
    case SIM_FLOAT64: LOAD(double);
    case SIM_ELEMENTS: break;
    }
}

/* Never undefined, whatever the number. */
static int64_t whole(double value)
{
    if (value >= 9223372036854775808.0 && value < 18446744073709551616.0)
        return (int64_t)(uint64_t)value;
    return value > -9223372036854775808.0 && value < 9223372036854775808.0 ? (int64_t)value
                                                                           : INT64_MIN;
}

#define STORE(type, value)                                                                         \
    for (size_t i = 0; i < count; i++)                                                             \
        ((type *)to)[i] = (type)(value);                                                           \
    break

void sim_element_store(enum sim_element type, const double *from, size_t count, void *to)
{
    switch (type) {
    case SIM_INT8: STORE(int8_t, whole(from[i]));
    case SIM_UINT8: STORE(uint8_t, whole(from[i]));
    case SIM_INT16: STORE(int16_t, whole(from[i]));
    case SIM_UINT16: STORE(uint16_t, whole(from[i]));
    case SIM_INT32: STORE(int32_t, whole(from[i]));
    case SIM_UINT32: STORE(uint32_t, whole(from[i]));
    case SIM_INT64: STORE(int64_t, whole(from[i]));
    case SIM_UINT64: STORE(uint64_t, whole(from[i]));
    case SIM_FLOAT32: STORE(float, from[i]);
    case SIM_FLOAT64: STORE(double, from[i]);
    case SIM_ELEMENTS: break;
    }
}

void sim_element_convert(enum sim_element from_type, const void *from, enum sim_element to_type,
                         void *to, size_t count)
{
    double block[BLOCK];
    if (from_type == to_type) {
        if (count > 0) memcpy(to, from, count * sizes[to_type]);
        return;
    }
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t some = count - i < BLOCK ? count - i : BLOCK;
        sim_element_load(from_type, (const char *)from + i * sizes[from_type], some, block);
        sim_element_store(to_type, block, some, (char *)to + i * sizes[to_type]);
    }
}
