/* The newest value of a PV, kept by a monitor of the library's own. */
#ifndef CORE_CACHE_H
#define CORE_CACHE_H

#include "core/pv.h"

/* A copy of the newest value, of at most `count` elements (0: all). False where there is none yet:
 * then the monitor is begun, where it is not, with this type, and the IOC has to be asked this
 * time. */
bool oph__cache_take(struct oph__pv *pv, int32_t dtype, uint32_t count, struct oph_value *ret);

void oph__cache_forget(struct oph__pv *pv); /* the PV is down; with ctx->lock held */
void oph__cache_free(struct oph__pv *pv);   /* its channel is gone */

#endif
