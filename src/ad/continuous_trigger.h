/* The trigger `continuous`: frames out of a circular buffer, while the camera goes on. */
#ifndef AD_CONTINUOUS_TRIGGER_H
#define AD_CONTINUOUS_TRIGGER_H

#include "core/behaviour.h"

extern const struct oph__trigger_ops oph__continuous_trigger;

#endif
