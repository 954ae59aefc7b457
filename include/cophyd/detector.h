/* What is special to areaDetector: priming, the live image, the plugin chain. */
#ifndef COPHYD_DETECTOR_H
#define COPHYD_DETECTOR_H

#include <cophyd/device.h>
#include <cophyd/dtype.h>
#include <cophyd/files.h>

OPH_BEGIN_DECLS

enum oph_differs {
    OPH_DIFFERS_UNSEEN = 1, /* the plugin has seen no frame since the IOC started */
    OPH_DIFFERS_SIZE = 2,
    OPH_DIFFERS_TYPE = 4,
    OPH_DIFFERS_COLOR = 8,
    OPH_DIFFERS_PIN_ = INT32_MIN
};
/* Whether a file plugin knows the frames that the camera will send; on a detector: all its file
 * plugins. *ret_differs is 0 where it does, else the sum of what differs, and the report, which is
 * yours, has a sentence for each; ret_report may be NULL. Compared is what the camera tells: a
 * Pilatus disables its DataType and ColorMode, so there it is the size alone; and of a plugin that
 * has its frames from another plugin only whether it has seen any. */
OPH_API int oph_primed(oph_device *dev, int32_t *ret_differs, oph_report **ret_report,
                       oph_error *err);

/* Takes one image of 0.1 s, so that file plugins know the frames and can open a file with
 * LazyOpen=0. On a detector: for each of its file plugins, with or without a FileStore; on a
 * plugin: for that. No plugin writes it (a camera with files of its own does). Plugins that the
 * frames come through are switched on. Ends when each has seen the image and oph_primed finds no
 * difference; all settings are put back, also after a failure. Refused while the detector acquires
 * (OPH_ESTATE), a file plugin captures (OPH_EBUSY) or the device is staged (OPH_ESTATE).
 * OPH_EUNPRIMED when the image did not reach a plugin. timeout: seconds, of the acquisition;
 * OPH_DEFAULT is what that may take. */
OPH_API int oph_warmup(oph_device *dev, double timeout, oph_error *err);

/* Set `size` to sizeof(oph_image_info). */
typedef struct oph_image_info {
    uint32_t size;
    int32_t dtype; /* enum oph_dtype */
    uint32_t rank;
    int32_t unique_id;
    int64_t shape[10]; /* [y, x] of a grey image; slowest first */
    int64_t bytes;
} oph_image_info;

/* Copies the newest image of an image plugin, over Channel Access, into buffer; pixels and info are
 * of one frame. timeout: seconds; OPH_DEFAULT is the context's get_timeout. OPH_ERANGE when the
 * buffer is too small (err says how many bytes it needs), OPH_ESTATE before the first image,
 * OPH_ETYPE when the IOC's record cannot hold it. After an error the buffer may hold anything. */
OPH_API int oph_image_read(oph_device *dev, double timeout, void *buffer, size_t buffer_bytes,
                           oph_image_info *ret, oph_error *err);

/* A plugin that the IOC has and the device does not declare. */
typedef struct oph_plugin {
    char port[64];       /* "FileHDF1" */
    char prefix[128];    /* "Pilatus:HDF1:"; empty when only the port's name is known */
    char type[64];       /* PluginType_RBV: "NDFileHDF5 ver1.10.8" */
    char class_name[64]; /* the class to declare it with; empty where the context knows none */
} oph_plugin;
typedef struct oph_plugins oph_plugins;

/* Walks the chain of ports, of the whole tree that dev is in, and asks the usual suffixes, for at
 * most one second. An empty list is what one wants to see. The list is yours. timeout: seconds, to
 * connect; OPH_DEFAULT is the context's connect_timeout. */
OPH_API int oph_missing_plugins(oph_device *dev, double timeout, oph_plugins **ret, oph_error *err);
OPH_API size_t oph_plugins_count(const oph_plugins *plugins);
OPH_API const oph_plugin *oph_plugins_at(const oph_plugins *plugins, size_t index); /* or NULL */
OPH_API void oph_plugins_free(oph_plugins *plugins); /* NULL allowed */

OPH_END_DECLS

#endif
