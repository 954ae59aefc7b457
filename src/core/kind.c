/* Which readings a signal and a device are part of. What is chosen is kept as one more than that,
 * so that 0 means: as the class says. */
#include "base/err.h"
#include "core/reading.h"

static int choose(atomic_int *chosen, int32_t kind, const char *path, oph_error *err)
{
    if ((kind & ~(OPH_KIND_HINTED | OPH_KIND_CONFIG)) ||
        ((kind & OPH_KIND_HINTED & ~OPH_KIND_NORMAL) && !(kind & OPH_KIND_NORMAL)))
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = path}, "flags of oph_kind",
                         "%d", (int)kind);
    atomic_store(chosen, kind + 1);
    return 0;
}

int32_t oph_signal_kind(oph_signal *sig)
{
    int chosen = atomic_load(&sig->kind);
    if (chosen) return chosen - 1;
    if (!sig->dev) return OPH_KIND_NORMAL | OPH_KIND_CONFIG; /* it has no class */
    return oph__kind_flags(sig->row->kind);
}

int oph_signal_set_kind(oph_signal *sig, int32_t kind, oph_error *err)
{
    int rc = choose(&sig->kind, kind, sig->path, err);
    if (!rc && sig->dev) atomic_store(&sig->dev->kinds_chosen, true);
    return rc;
}

int32_t oph_device_kind(oph_device *dev)
{
    int chosen = atomic_load(&dev->kind);
    return chosen ? chosen - 1 : dev->cls->kind;
}

int oph_device_set_kind(oph_device *dev, int32_t kind, oph_error *err)
{
    return choose(&dev->kind, kind, dev->path, err);
}
