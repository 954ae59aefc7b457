/* Values: as they came from the IOC, as a program gives them, and what is known about them. */
#ifndef COPHYD_VALUE_H
#define COPHYD_VALUE_H

#include <cophyd/dtype.h>
#include <cophyd/error.h>

OPH_BEGIN_DECLS

/* A value as the IOC sent it. Yours; immutable. */
typedef struct oph_value oph_value;
OPH_API void oph_value_free(oph_value *value);
OPH_API int32_t oph_value_dtype(const oph_value *value);    /* enum oph_dtype */
OPH_API size_t oph_value_count(const oph_value *value);     /* elements */
OPH_API const void *oph_value_data(const oph_value *value); /* count elements; the value's */
/* The axes of an array, slowest first. Returns their number, of which `room` are written: 0 for a
 * single element, 1 for a plain array, more for a shaped signal's value (<cophyd/soft.h>). */
OPH_API uint32_t oph_value_shape(const oph_value *value, int64_t *ret_shape, uint32_t room);
/* A single element as a number, also one that is written as text; an enum is its index. OPH_ETYPE
 * for anything else, and where an int64_t cannot hold it exactly. */
OPH_API int oph_value_get_int(const oph_value *value, int64_t *ret, oph_error *err);
OPH_API int oph_value_get_double(const oph_value *value, double *ret, oph_error *err);
/* EPICS alarm severity (0 none, 1 minor, 2 major, 3 invalid) and status. */
OPH_API int32_t oph_value_severity(const oph_value *value);
OPH_API int32_t oph_value_alarm(const oph_value *value);
/* The IOC's timestamp, since 1970 UTC. */
OPH_API void oph_value_time(const oph_value *value, int64_t *ret_seconds, int32_t *ret_nanoseconds);

/* Elements of yours, to be put: `count` of them at `data`, which stays yours. dtype OPH_STRING:
 * `data` points to `count` pointers to C strings, of any length. */
typedef struct oph_data {
    int32_t dtype; /* enum oph_dtype */
    uint32_t reserved;
    uint64_t count;
    const void *data;
} oph_data;

/* Makes text from an IOC or a file fit for a terminal, in place: what a terminal would obey
 * (control characters, also those above 127, and what turns the direction of writing) becomes
 * spaces, also line ends. Values and labels are given as the IOC sent them; errors, plans and
 * graphs have been through this. Returns text. */
OPH_API char *oph_text_clean(char *text);

/* What a PV is. Set `size` to sizeof(oph_properties). Limits are those of the record. Where it has
 * none both of a pair are equal, or the wrong way round; an alarm limit without a severity is NaN,
 * or 0 where the PV holds integers: so Channel Access tells them. */
typedef struct oph_properties {
    uint32_t size;
    int32_t dtype;     /* enum oph_dtype, as Channel Access has it */
    uint32_t count;    /* elements that it can hold */
    int32_t readable;  /* 1 or 0 */
    int32_t writable;  /* 1 or 0 */
    int32_t precision; /* digits after the point; 0 for what is no floating-point number */
    double display_low, display_high;
    double control_low, control_high; /* what a put should keep within */
    double warning_low, warning_high; /* LOW, HIGH */
    double alarm_low, alarm_high;     /* LOLO, HIHI */
    char units[16];
    uint32_t label_count;
    char labels[16][28]; /* of an enum */
    char host[64];       /* "127.0.0.1:5064" */
} oph_properties;

OPH_END_DECLS

#endif
