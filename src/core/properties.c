/* What is known about a signal's PV. */
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/options.h"
#include "core/reading.h"
#include <string.h>

void oph__properties_fill(oph_properties *p, const struct oph__chan_info *info)
{
    p->dtype = info->dtype;
    p->count = info->count;
    p->readable = info->readable;
    p->writable = info->writable;
    p->precision = info->precision;
    p->display_low = info->display_low;
    p->display_high = info->display_high;
    p->control_low = info->control_low;
    p->control_high = info->control_high;
    p->warning_low = info->warning_low;
    p->warning_high = info->warning_high;
    p->alarm_low = info->alarm_low;
    p->alarm_high = info->alarm_high;
    oph__copy(p->units, sizeof p->units, info->units);
    p->label_count = info->label_count;
    for (uint32_t i = 0; i < info->label_count; i++)
        oph__copy(p->labels[i], sizeof p->labels[i], info->labels[i]);
    oph__copy(p->host, sizeof p->host, info->host);
}

static int describe(oph_signal *sig, struct oph__pv *pv, double timeout, oph_error *err)
{
    oph_group *g;
    int rc = oph_group_new(sig->ctx, &g, err);
    if (rc) return rc;
    struct oph__entry *e = oph__group_add(g, OPH__DESCRIBE, sig, pv, err);
    rc = e ? 0 : OPH_ENOMEM;
    if (e) e->timeout = timeout;
    if (!rc) rc = oph__group_run(g, (double)INFINITY, true, err);
    if (!rc) rc = oph__entry_error(e, err);
    oph__group_unref(g);
    return rc;
}

int oph_signal_properties(oph_signal *sig, int32_t part, double timeout, oph_properties *ret,
                          oph_error *err)
{
    struct oph__pv *pv = part == OPH_PART_SETPOINT ? sig->set : sig->read;
    struct oph__chan_info info;
    int rc = oph__check_part(sig, part, err);
    if (!rc && ret->size < sizeof ret->size)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = sig->path},
                       "the size of oph_properties", "%u", (unsigned)ret->size);
    if (!rc) rc = describe(sig, pv, timeout, err);
    if (rc) return rc;
    if (!oph__pv_info(pv, &info))
        return oph__fail(err, OPH_EDISCONN, oph__pv_at(pv), "its properties",
                         "the PV is not connected");
    oph_properties all = {.size = ret->size};
    oph__properties_fill(&all, &info);
    memcpy(ret, &all, ret->size < sizeof all ? ret->size : sizeof all);
    return 0;
}
