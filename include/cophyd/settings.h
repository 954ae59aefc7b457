/* Each device's ordered list of settings (ophyd's stage_sigs): what oph_stage writes, in order. */
#ifndef COPHYD_SETTINGS_H
#define COPHYD_SETTINGS_H

#include <cophyd/device.h>

OPH_BEGIN_DECLS

/* A key is a path from the device: "image_mode", "cam.acquire", "parent.cam.array_callbacks"; it
 * must name a writable attribute (OPH_ENOTFOUND, OPH_EABSENT, OPH_EACCESS). A known key keeps its
 * place and takes the new value; a new one goes last. Whether the PV can hold the value is checked
 * when staging; a list changed later holds from the next stage on. One device's list must not be
 * changed by two threads at once, nor while it is staged by another. */
OPH_API int oph_settings_set_int(oph_device *dev, const char *key, int64_t value, oph_error *err);
OPH_API int oph_settings_set_double(oph_device *dev, const char *key, double value, oph_error *err);
OPH_API int oph_settings_set_text(oph_device *dev, const char *key, const char *value,
                                  oph_error *err);

/* Takes a setting out of the list. OPH_ENOTFOUND when it is not in it. */
OPH_API int oph_settings_delete(oph_device *dev, const char *key, oph_error *err);

/* Moves a setting: before the setting `before`, or to the end where that is NULL. Before
 * oph_settings_key_at(dev, 0) is the first place. */
OPH_API int oph_settings_move(oph_device *dev, const char *key, const char *before, oph_error *err);
/* Empties the list. */
OPH_API void oph_settings_clear(oph_device *dev);

/* The list's keys, in order; NULL past the end. Borrowed. */
OPH_API size_t oph_settings_count(const oph_device *dev);
OPH_API const char *oph_settings_key_at(const oph_device *dev, size_t index);
/* The value as text; NULL when the key is not in the list. Borrowed until it changes. */
OPH_API const char *oph_settings_value(const oph_device *dev, const char *key);

/* A setting as it was given. Set `size` to sizeof(oph_setting). Key and text are borrowed until the
 * list changes. */
typedef struct oph_setting {
    uint32_t size;
    int32_t dtype;   /* enum oph_dtype: OPH_INT64, OPH_FLOAT64 or OPH_STRING */
    int64_t integer; /* of OPH_INT64; else 0 */
    double number;   /* of both sorts of number; else 0 */
    const char *key;
    const char *text; /* of all three: as oph_settings_value has it */
} oph_setting;
OPH_API int oph_settings_get(const oph_device *dev, const char *key, oph_setting *ret,
                             oph_error *err);
/* Takes a setting out of the list, the last one where key is NULL. OPH_ENOTFOUND when there is
 * none. ret may be NULL. */
OPH_API int oph_settings_pop(oph_device *dev, const char *key, oph_setting *ret, oph_error *err);

/* Makes the list equal to another device's. Keys that this device does not have, or cannot write,
 * are an error each, in the report; then nothing is copied. The report is yours; ret_report may be
 * NULL. */
OPH_API int oph_settings_copy(oph_device *dev, const oph_device *from, oph_report **ret_report,
                              oph_error *err);

enum oph_settings_mode {
    OPH_SETTINGS_UPDATE = 0,  /* as oph_settings_set for each, in the text's order */
    OPH_SETTINGS_REPLACE = 1, /* the list becomes what the text says */
    OPH_SETTINGS_MODE_PIN_ = INT32_MIN
};
/* Settings as text, in the words of a class text's stage line: KEY=VALUE, separated by blanks or
 * line ends; a value in double quotes is text, and in them \" and \\ stand for a quote and a
 * backslash; a # where a word could begin starts a comment. It is checked whole: on any mistake
 * nothing changes (OPH_EPARSE), and each mistake is in the report as "ORIGIN:LINE: ...", the first
 * one also in err. A key that the text has twice is a mistake. `origin` is the text's name in such
 * messages. ret_report may be NULL; else the report is yours. */
OPH_API int oph_settings_parse(oph_device *dev, const char *text, const char *origin, int32_t mode,
                               oph_report **ret_report, oph_error *err);
/* The list in that form, one setting a line, into buffer[size]; parsed with OPH_SETTINGS_REPLACE it
 * gives the same list. *ret_length, which may be NULL, is the text's length, also where `size` is 0
 * and nothing is written. OPH_ERANGE when the buffer is too small, and for a value that has no such
 * form: text with control characters or that is not UTF-8, NaN and infinities. */
OPH_API int oph_settings_print(const oph_device *dev, char *buffer, size_t size, size_t *ret_length,
                               oph_error *err);

/* "OrderedDict([('cam.acquire', 0), ('cam.image_mode', 1)])" into buffer[size]; returns the length
 * that the whole text has, as snprintf does. A text that was cut ends in "[cut]". */
OPH_API size_t oph_settings_text(const oph_device *dev, char *buffer, size_t size);

OPH_END_DECLS

#ifndef __cplusplus
/* oph_settings_set(det, "cam.num_images", 1, &err): picks the function by the value's type. */
#define oph_settings_set(dev, key, value, err)                                                     \
    _Generic((value),                           \
        signed char: oph_settings_set_int,      \
        short: oph_settings_set_int,            \
        int: oph_settings_set_int,              \
        long: oph_settings_set_int,             \
        long long: oph_settings_set_int,        \
        unsigned char: oph_settings_set_int,    \
        unsigned short: oph_settings_set_int,   \
        unsigned int: oph_settings_set_int,     \
        float: oph_settings_set_double,         \
        double: oph_settings_set_double,        \
        char *: oph_settings_set_text,          \
        const char *: oph_settings_set_text)(dev, key, value, err)
#endif

#endif
