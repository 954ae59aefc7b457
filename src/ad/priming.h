/* What file plugins know about frames before the first one. */
#ifndef AD_PRIMING_H
#define AD_PRIMING_H

#include "core/device.h"
#include <cophyd/detector.h>

bool oph__is_file_plugin(const oph_device *dev);

/* Compares each file plugin from `dev` on down with the detector's camera. `fresh`: the camera has
 * just sent an image, so what it says of that is what counts, not its settings. All is connected
 * already. */
int oph__priming_compare(oph_device *det, oph_device *dev, bool fresh, int32_t *ret_differs,
                         oph_report *report, oph_error *err);

#endif
