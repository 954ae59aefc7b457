/* The trigger `single`: one Acquire of the device's camera. */
#ifndef AD_SINGLE_TRIGGER_H
#define AD_SINGLE_TRIGGER_H

#include "core/behaviour.h"

extern const struct oph__trigger_ops oph__single_trigger;

#endif
