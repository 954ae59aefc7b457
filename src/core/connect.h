/* Connecting a tree of devices. */
#ifndef CORE_CONNECT_H
#define CORE_CONNECT_H

#include "core/device.h"

/* The attribute that tells an IOC's release. */
#define OPH__VERSION_ATTR "ad_core_version"

/* oph_connect without its question about the state. Costs no round trip when all is connected. */
int oph__connect(oph_device *dev, double timeout, oph_report *report, oph_error *err);

/* Begins to search for signals in one flush, but for those that were found absent before. */
int oph__connect_search(oph_context *ctx, const struct oph__vec *signals, oph_error *err);
/* Waits for signals that the IOC may lack, and marks those that it does. */
int oph__connect_optional(oph_context *ctx, const struct oph__vec *signals, double deadline,
                          oph_error *err);

#endif
