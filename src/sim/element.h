/* The types of an array's elements, and how one type becomes another. */
#ifndef SIM_ELEMENT_H
#define SIM_ELEMENT_H

#include <stddef.h>

/* NDDataType_t. */
enum sim_element {
    SIM_INT8,
    SIM_UINT8,
    SIM_INT16,
    SIM_UINT16,
    SIM_INT32,
    SIM_UINT32,
    SIM_INT64,
    SIM_UINT64,
    SIM_FLOAT32,
    SIM_FLOAT64,
    SIM_ELEMENTS
};

size_t sim_element_size(enum sim_element type); /* in bytes */

/* count elements of that type as numbers. */
void sim_element_load(enum sim_element type, const void *from, size_t count, double *ret);

/* Numbers as elements of that type: cut to a whole number, then to the type's bits, as C does it
 * to integers. */
void sim_element_store(enum sim_element type, const double *from, size_t count, void *to);

void sim_element_convert(enum sim_element from_type, const void *from, enum sim_element to_type,
                         void *to, size_t count);

#endif
