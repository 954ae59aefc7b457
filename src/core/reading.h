/* Reading and describing, inside. */
#ifndef CORE_READING_H
#define CORE_READING_H

#include "core/device.h"
#include <cophyd/reading.h>

/* "det_hdf1_array_size_height", or "m1" of a row that is `main`; malloc'ed, NULL when memory is
 * short. */
char *oph__signal_key(const oph_signal *sig);

/* A device and those below it that a kind (OPH_KIND_NORMAL or _CONFIG) leads to, and their signals
 * of that kind. Zero-initialise. */
struct oph__walk {
    struct oph__vec devices; /* oph_device */
    struct oph__vec signals; /* oph_signal */
};
int oph__walk(struct oph__walk *walk, oph_device *dev, int32_t kind, oph_error *err);
void oph__walk_free(struct oph__walk *walk);

/* The same, and then all its signals are connected; those that the IOC does not have are taken out
 * and reported. */
int oph__walk_connected(struct oph__walk *walk, oph_device *dev, int32_t kind, double timeout,
                        oph_report *report, oph_error *err);
/* Whether what a signal reads is text in a CHAR array. */
bool oph__signal_has_text(const oph_signal *sig, const struct oph__chan_info *info);
bool oph__signal_has_array(const oph_signal *sig, const struct oph__chan_info *info);
bool oph__signal_has_label(const oph_signal *sig, const struct oph__chan_info *info);
/* The type to ask for when a user wants its value as it is. */
int32_t oph__signal_dtype(const oph_signal *sig);

void oph__properties_fill(oph_properties *properties, const struct oph__chan_info *info);
/* "<i4" of an element that is no text; NULL of any other. Static. */
const char *oph__numpy_type(int32_t dtype);

/* What a hook's describe adds to. A row's texts, shape and rank are copied; a key that there is
 * already is OPH_EINVAL. */
struct oph__describing {
    oph_descriptions *list;
    const char *object_name;
    double timeout; /* as the caller gave it */
};
oph_descriptions *oph__descriptions_new(void); /* an empty list; NULL when memory is short */
int oph__describe_add(struct oph__describing *to, const oph_description *row, oph_error *err);
bool oph__describe_has(const struct oph__describing *to, const char *key);

#endif
