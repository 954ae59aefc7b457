#include "core/behaviour.h"
#include "base/err.h"
#include "base/str.h"
#include "core/device.h"

const struct oph__trigger_ops *oph__trigger_named(const struct oph__behaviours *b, const char *name)
{
    for (const struct oph__trigger_ops *const *at = b->triggers; *at; at++) {
        if (oph__equal((*at)->name, name)) return *at;
    }
    return NULL;
}

const struct oph__hook_ops *oph__hook_named(const struct oph__behaviours *b, const char *name)
{
    for (const struct oph__hook_ops *const *at = b->hooks; *at; at++) {
        if (oph__equal((*at)->name, name)) return *at;
    }
    return NULL;
}

void *oph__hook_data(const oph_device *dev, const struct oph__hook_ops *ops)
{
    for (size_t i = 0; i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (hook->ops == ops) return hook->data;
    }
    return NULL;
}

int oph__need(struct oph__needs *needs, oph_device *dev, const char *path, bool required,
              oph_error *err)
{
    oph_signal *sig;
    /* Nobody hears of an optional one that the class lacks. */
    int rc = oph_signal_find(dev, path, &sig, required ? err : NULL);
    if (rc && !required) return rc == OPH_ENOMEM ? oph__fail_memory(err, "a signal") : 0;
    if (rc) return rc;
    struct oph__vec *list = required ? &needs->required : &needs->optional;
    return oph__vec_add(list, sig) ? 0 : oph__fail_memory(err, "connecting");
}
