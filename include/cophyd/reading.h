/* What a device reads, and what those values are: read, describe, configuration and hints, with
 * ophyd's keys. */
#ifndef COPHYD_READING_H
#define COPHYD_READING_H

#include <cophyd/device.h>
#include <cophyd/signal.h>
#include <cophyd/value.h>

OPH_BEGIN_DECLS

/* Which readings a signal, or a child with what is below it, is part of. Flags. */
enum oph_kind {
    OPH_KIND_OMITTED = 0,
    OPH_KIND_NORMAL = 1, /* oph_read, oph_describe */
    OPH_KIND_CONFIG = 2, /* oph_read_configuration, oph_describe_configuration */
    OPH_KIND_HINTED = 5, /* normal, and one of oph_hints */
    OPH_KIND_PIN_ = INT32_MIN
};

/* The kind of a signal or a device. At first as the class's text says; of a device without a word
 * there, normal and config. Of what areaDetector has, a cam is config, a plugin with a file store
 * is normal, all else is omitted: as in ophyd, but for the file store, whose images nobody wants to
 * lose. A device's own kind counts where its parent is read, and not where it is read itself. From
 * any thread. OPH_EINVAL for what is no kind. ophyd's read_attrs are the attributes and children
 * that are normal, its configuration_attrs those that are config. */
OPH_API int32_t oph_signal_kind(oph_signal *sig);
OPH_API int oph_signal_set_kind(oph_signal *sig, int32_t kind, oph_error *err);
OPH_API int32_t oph_device_kind(oph_device *dev);
OPH_API int oph_device_set_kind(oph_device *dev, int32_t kind, oph_error *err);

/* Keys: the device's name and the attribute's path, joined by underscores: of det's hdf1, its
 * array_size.height is "det_hdf1_array_size_height". In the class's order, a device before its
 * children. Rows and what they point to are the list's. */

/* One value, fresh from the IOC: that of the readback. */
typedef struct oph_reading {
    const char *key;
    oph_signal *signal;
    const oph_value *value; /* an enum's is its index, or its label where its row says text */
    const char *text;       /* a text without its padding, an enum's label; NULL for all else */
    double time;            /* the IOC's, seconds since 1970 UTC */
    int32_t severity;       /* as oph_value_severity */
    int32_t alarm;          /* as oph_value_alarm */
} oph_reading;
typedef struct oph_readings oph_readings;
OPH_API size_t oph_readings_count(const oph_readings *readings);
OPH_API const oph_reading *oph_readings_at(const oph_readings *readings, size_t index);
OPH_API void oph_readings_free(oph_readings *readings); /* NULL allowed */

/* What the device and its children read. PVs that are not connected yet are connected, those that
 * are needed and no others; then all are read in one flush, whatever their number. The list is
 * yours. timeout: for connecting, and again for reading; OPH_DEFAULT takes the context's.
 *
 * A record that the IOC does not have is left out, and is a line of the report (OPH_EABSENT), which
 * is no error. On any other failure there is no list; the first is in err, and each in the report.
 * ret_report may be NULL; else the report is yours. */
OPH_API int oph_read(oph_device *dev, double timeout, oph_readings **ret, oph_report **ret_report,
                     oph_error *err);
OPH_API int oph_read_configuration(oph_device *dev, double timeout, oph_readings **ret,
                                   oph_report **ret_report, oph_error *err);
/* The same of one signal, of any kind, also one that is no device's: its key is then its name. A
 * record that is absent is an error here. */
OPH_API int oph_signal_reading(oph_signal *sig, double timeout, oph_readings **ret, oph_error *err);

/* What one value is, in the words of event-model's data keys. */
typedef struct oph_description {
    const char *key;
    const char *object_name; /* of the device that was asked: "det" */
    const char *source;      /* "PV:Pilatus:cam1:AcquireTime_RBV"; "SIM:NAME" of what is no PV */
    const char *dtype;       /* "integer" (also an enum), "number", "string" or "array" */
    const char *dtype_numpy; /* "<i4", "<f8", "|u1"; of text "<U39": at most 39 characters */
    const char *external;    /* "FILESTORE:" of an image, whose value is in a file; else NULL */
    oph_signal *signal;      /* NULL where it is not one signal's, as an image */
    oph_device *store;       /* the file plugin that writes an image; else NULL */
    const oph_properties *properties; /* of the readback: units, precision, limits, an enum's labels
                                         (event-model's choices); NULL where signal is */
    uint32_t reserved;
    uint32_t rank;     /* of what is read; 0: a single value, or text */
    int64_t shape[16]; /* slowest first; of a plain array its length now; -1: not known */
} oph_description;
typedef struct oph_descriptions oph_descriptions;
OPH_API size_t oph_descriptions_count(const oph_descriptions *descriptions);
OPH_API const oph_description *oph_descriptions_at(const oph_descriptions *descriptions,
                                                   size_t index);
OPH_API void oph_descriptions_free(oph_descriptions *descriptions); /* NULL allowed */

/* What oph_read and oph_read_configuration give, one row a key, in the same order; the rest is as
 * there. At the end come the images of file stores, which oph_read does not have: "det_image", an
 * array of frames per trigger, height, width, as the file plugin saw the newest frame and with as
 * many frames as the cam would take now: the cam's own type and sizes are not to be trusted. A
 * detector's further file stores have their plugin's name, "det_tiff1_image". OPH_EUNPRIMED before
 * the plugin's first frame: oph_warmup helps. A device need not be staged. */
OPH_API int oph_describe(oph_device *dev, double timeout, oph_descriptions **ret,
                         oph_report **ret_report, oph_error *err);
OPH_API int oph_describe_configuration(oph_device *dev, double timeout, oph_descriptions **ret,
                                       oph_report **ret_report, oph_error *err);
OPH_API int oph_signal_describe(oph_signal *sig, double timeout, oph_descriptions **ret,
                                oph_error *err);

/* The keys that are hinted (event-model's hints: fields), of the device and the children that it
 * reads. Needs no network. The list is yours. */
typedef struct oph_keys oph_keys;
OPH_API int oph_hints(oph_device *dev, oph_keys **ret, oph_error *err);
OPH_API size_t oph_keys_count(const oph_keys *keys);
OPH_API const char *oph_keys_at(const oph_keys *keys, size_t index);
OPH_API void oph_keys_free(oph_keys *keys); /* NULL allowed */

OPH_END_DECLS

#endif
