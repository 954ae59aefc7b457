/* Series: the settings of several acquisitions, and each of them. */
#ifndef AD_SERIES_H
#define AD_SERIES_H

#include "core/behaviour.h"

/* As oph__trigger_ops has them. */
int oph__series_prepare(oph_device *dev, oph_series *want, int64_t *ret_kickoffs, oph_error *err);
int oph__series_kickoff(oph_device *dev, oph_status *status, oph_status *begun, oph_error *err);

#endif
