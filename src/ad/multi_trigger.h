/* The trigger `multi`: one Acquire of the device's camera for each step of the class's cycle. */
#ifndef AD_MULTI_TRIGGER_H
#define AD_MULTI_TRIGGER_H

#include "core/behaviour.h"

extern const struct oph__trigger_ops oph__multi_trigger;

#endif
