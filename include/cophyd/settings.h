/* Each device's ordered list of settings (ophyd's stage_sigs): what oph_stage writes, in order. */
#ifndef COPHYD_SETTINGS_H
#define COPHYD_SETTINGS_H

#include <cophyd/device.h>

OPH_BEGIN_DECLS

/* A key is a path from the device: "image_mode", "cam.acquire", "parent.cam.array_callbacks"; it
 * must name a writable attribute. A known key keeps its place and takes the new value; a new one
 * goes last. Whether the PV can hold the value is checked when staging; a list changed later holds
 * from the next stage on. One device's list must not be changed by two threads at once, nor while
 * it is staged by another. */
OPH_API int oph_settings_set_int(oph_device *dev, const char *key, int64_t value, oph_error *err);
OPH_API int oph_settings_set_double(oph_device *dev, const char *key, double value, oph_error *err);
OPH_API int oph_settings_set_text(oph_device *dev, const char *key, const char *value,
                                  oph_error *err);

OPH_API int oph_settings_delete(oph_device *dev, const char *key, oph_error *err);

/* Moves a setting: before the setting `before`, or to the end where that is NULL. */
OPH_API int oph_settings_move(oph_device *dev, const char *key, const char *before, oph_error *err);
OPH_API void oph_settings_clear(oph_device *dev);

OPH_API size_t oph_settings_count(const oph_device *dev);
OPH_API const char *oph_settings_key_at(const oph_device *dev, size_t index); /* borrowed */
/* The value as text; NULL when the key is not in the list. Borrowed until it changes. */
OPH_API const char *oph_settings_value(const oph_device *dev, const char *key);

/* "OrderedDict([('cam.acquire', 0), ('cam.image_mode', 1)])" into buffer[size]; returns the length
 * that the whole text has, as snprintf does. A text that was cut ends in "[cut]". */
OPH_API size_t oph_settings_text(const oph_device *dev, char *buffer, size_t size);

OPH_END_DECLS

#ifndef __cplusplus
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
