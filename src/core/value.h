/* Values: as they came from the IOC, and made ready for the wire. */
#ifndef CORE_VALUE_H
#define CORE_VALUE_H

#include "ca/link.h"
#include "core/classtext.h"
#include <cophyd/signal.h>

/* One value that came in. Short ones live inside it: most PVs are scalars. */
struct oph_value {
    int32_t dtype;
    uint32_t count;
    int16_t status, severity;
    int64_t seconds;
    int32_t nanoseconds;
    void *data; /* `small`, or malloc'ed */
    _Alignas(16) unsigned char small[48];
};

/* Copies an event; false when memory is short. Frees what *value held before. */
bool oph__value_take(struct oph_value *value, const struct oph__event *event);
/* Hands over what *from held; *from is empty afterwards. */
void oph__value_move(struct oph_value *value, struct oph_value *from);
void oph__value_clear(struct oph_value *value);

/* A text without its padding: TEXT's first string, or a CHAR array up to its NUL. */
bool oph__value_is_text(const struct oph_value *value);
void oph__value_text(const struct oph_value *value, const char **ret_text, size_t *ret_length);

/* First element as a number; false for text that is none, and for no elements. */
bool oph__value_double(const struct oph_value *value, double *ret);
bool oph__value_int(const struct oph_value *value, int64_t *ret); /* false for fractions too */

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

/* What a setting is encoded for: for the sentence of a refusal. */
struct oph__target {
    const char *path; /* device path */
    const char *pv;
    const struct oph__chan_info *info;
    enum oph__rowtype type;
    bool is_path; /* a file path: the IOC adds a separator, and room is kept for it */
};

/* Checks a literal against what the channel is, and makes it ready: an unknown label, an index out
 * of range, text that is too long, NaN or infinity, a number that the type cannot hold are refused.
 */
int oph__encode(const struct oph__literal *literal, const struct oph__target *target,
                struct oph__wire *ret, oph_error *err);
/* A value that was read, to be written back as it was. */
int oph__encode_value(const struct oph_value *value, const struct oph__target *target,
                      struct oph__wire *ret, oph_error *err);

/* Whether a value that was read is what was written: numbers within 10^-precision of `info` (where
 * that is above 0), text equal, paths equal but for trailing separators. */
bool oph__matches(const struct oph_value *found, const struct oph__chan_info *info,
                  const struct oph__wire *wanted, bool is_path);

#endif
