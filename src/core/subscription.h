/* What PVs and devices tell their subscriptions. */
#ifndef CORE_SUBSCRIPTION_H
#define CORE_SUBSCRIPTION_H

#include "core/device.h"

/* A PV may have come up, gone down or changed its access rights. With ctx->lock held. */
void oph__subscriptions_state(struct oph__pv *pv);
/* Ends those of a device and all below it, or of one signal. */
void oph__subscriptions_end(oph_device *dev);
void oph__subscriptions_end_signal(const oph_signal *sig);

#endif
