/* Connecting a tree of devices. */
#ifndef CORE_CONNECT_H
#define CORE_CONNECT_H

#include "core/write.h"

/* The attribute that tells an IOC's release. */
#define OPH__VERSION_ATTR "ad_core_version"
/* And that which tells a plugin's type. */
#define OPH__TYPE_ATTR "plugin_type"

/* oph_connect without its question about the state. Costs no round trip when all is connected. */
int oph__connect(oph_device *dev, double timeout, oph_report *report, oph_error *err);

/* Begins to search for signals in one flush, but for those that were found absent before. */
int oph__connect_search(oph_context *ctx, const struct oph__vec *signals, oph_error *err);
/* Waits for signals that the IOC may lack, and marks those that it does. */
int oph__connect_optional(oph_context *ctx, const struct oph__vec *signals, double deadline,
                          oph_error *err);
/* Learns the release of the IOC of some devices, where it is not known; and waits until all of some
 * signals' readbacks are connected, or no more of them come. 0 also where none is in time. */
int oph__connect_releases(oph_context *ctx, const struct oph__vec *devices,
                          struct oph__patience patience, oph_error *err);
int oph__connect_readbacks(oph_context *ctx, const struct oph__vec *signals,
                           struct oph__patience patience, oph_error *err);

/* Adds to the struct oph__needs `user` what the device itself needs: a device function. */
int oph__device_needs(oph_device *dev, void *user, oph_error *err);
void oph__needs_free(struct oph__needs *needs);

/* Adds what connecting found otherwise than the classes of the tree say. */
int oph__report_found(oph_device *dev, oph_report *report, oph_error *err);

#endif
