/* The two halves of encoding: text and labels, and numbers. */
#ifndef CORE_ENCODE_H
#define CORE_ENCODE_H

#include "core/value.h"

/* A refusal: `wanted` as a person writes it. */
int oph__encode_refuse(const struct oph__target *target, int code, const char *wanted,
                       const char *found, oph_error *err);

/* A number on its way to a channel. */
struct oph__number {
    enum { OPH__IS_INT, OPH__IS_UINT, OPH__IS_FLOAT } is;
    int64_t i;
    uint64_t u; /* beyond what `i` holds */
    double f;
    const char *text; /* as a person writes it; NULL: made when it is needed */
};

/* Element `index` of data, whose dtype is of numbers. */
struct oph__number oph__number_at(const oph_data *data, uint64_t index);

/* Checks it against the channel's type, and the limits where they are to be kept; then stores it as
 * element `index` of the wire. */
int oph__encode_number(const struct oph__number *number, const struct oph__target *target,
                       struct oph__wire *wire, uint32_t index, oph_error *err);

#endif
