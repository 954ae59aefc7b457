/* Values: as they came from the IOC, and made ready for the wire. */
#ifndef CORE_VALUE_H
#define CORE_VALUE_H

#include "ca/link.h"
#include "core/classtext.h"
#include <cophyd/signal.h>

enum { OPH__AXES = 10 }; /* as many as an NDArray of areaDetector can have */

enum { OPH__SEVERITY_INVALID = 3 }; /* EPICS' highest: the value is none */

/* One value that came in. Short ones live inside it: most PVs are scalars. */
struct oph_value {
    int32_t dtype;
    uint32_t count;
    int16_t status, severity;
    int32_t nanoseconds;
    int64_t seconds;
    void *data;    /* `small`, or malloc'ed */
    uint32_t rank; /* 0: a single element, or one axis */
    _Alignas(16) unsigned char small[48];
    uint32_t shape[OPH__AXES]; /* slowest first */
};

/* Copies an event; false when memory is short. Frees what *value held before. */
bool oph__value_take(struct oph_value *value, const struct oph__event *event);
/* The same of a value, at most `count` elements (0: all). */
bool oph__value_copy(struct oph_value *value, const struct oph_value *from, uint32_t count);
/* Hands over what *from held; *from is empty afterwards. */
void oph__value_move(struct oph_value *value, struct oph_value *from);
void oph__value_clear(struct oph_value *value);

/* A text without its padding: TEXT's first string, or a CHAR array up to its NUL. */
bool oph__value_is_text(const struct oph_value *value);
void oph__value_text(const struct oph_value *value, const char **ret_text, size_t *ret_length);

static inline bool oph__is_float(int32_t dtype)
{
    return dtype == OPH_FLOAT32 || dtype == OPH_FLOAT64;
}

/* An element as a number; false for text that is none, and for an element that is not there. */
bool oph__value_double_at(const struct oph_value *value, uint32_t index, double *ret);
bool oph__value_double(const struct oph_value *value, double *ret); /* the first */
/* The first as a whole number. False for fractions too, and for floating-point numbers from 2^53
 * on: those may have been another integer before Channel Access carried them. */
bool oph__value_int(const struct oph_value *value, int64_t *ret);

/* As a person reads it: text, label, number, "[3 values]". `info` for the labels; may be NULL. */
char *oph__value_show(const struct oph_value *value, const struct oph__chan_info *info, char *dst,
                      size_t size);

/* Elements made ready for a channel. */
struct oph__wire {
    int32_t dtype;
    uint32_t count;
    void *data; /* `small`, or malloc'ed */
    _Alignas(16) unsigned char small[48];
};
void oph__wire_clear(struct oph__wire *wire);
/* What is in a wire or an event, as a value of one axis. It is borrowed, and not to be cleared. */
struct oph_value oph__wire_value(const struct oph__wire *wire);
struct oph_value oph__event_value(const struct oph__event *event);
/* Room for that, zeroed. */
int oph__wire_reserve(struct oph__wire *wire, int32_t dtype, uint32_t count, oph_error *err);

/* What a setting is encoded for: for the sentence of a refusal. */
struct oph__target {
    const char *path; /* device path */
    const char *pv;
    const struct oph__chan_info *info;
    enum oph__rowtype type;
    bool is_path;       /* a file path: the IOC adds a separator, and room is kept for it */
    bool within_limits; /* the control limits are kept */
    bool nonfinite;     /* NaN and infinities are allowed */
};

/* Checks a literal against what the channel is, and makes it ready: an unknown label, an index out
 * of range, text that is too long, NaN or infinity, a number that the type cannot hold are refused.
 */
int oph__encode(const struct oph__literal *literal, const struct oph__target *target,
                struct oph__wire *ret, oph_error *err);
/* The same for what a program gives: one element as a literal, several as an array. */
int oph__encode_data(const oph_data *data, const struct oph__target *target, struct oph__wire *ret,
                     oph_error *err);
/* A value that was read, to be written back as it was. */
int oph__encode_value(const struct oph_value *value, const struct oph__target *target,
                      struct oph__wire *ret, oph_error *err);

/* How close a value that was read must be to what was written. */
struct oph__alike {
    int16_t precision;   /* of the PV it was read from: 10^-precision, where that is above 0 */
    bool chars_are_text; /* a CHAR array of that PV */
    bool is_path;        /* trailing separators do not count */
    double absolute, relative; /* both 0: by the precision */
    bool whole;                /* to the last digit instead */
};
struct oph__alike oph__alike(const struct oph__chan_info *info, enum oph__rowtype type,
                             bool is_path);
/* The same to the last digit, whatever the PREC: as a setpoint shows what was put. */
struct oph__alike oph__alike_whole(struct oph__alike how);
bool oph__matches(const struct oph_value *found, const struct oph__wire *wanted,
                  const struct oph__alike *how);

#endif
