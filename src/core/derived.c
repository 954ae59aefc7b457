#include "core/derived.h"
#include "base/err.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static void destroy(struct oph__link *link)
{
    struct oph__derived *d = (struct oph__derived *)link;
    for (size_t i = 0; i < d->count; i++) {
        oph__local_unref(d->from[i].link);
        free(d->from[i].path);
        free(d->from[i].pv);
    }
    free(d->name);
    free(d);
}

static bool use_source(struct oph__derived_source *source, const oph_signal *sig,
                       const struct oph__pv *pv)
{
    source->path = oph__dup(sig->path);
    source->pv = oph__dup(pv->name);
    source->row = sig->row;
    source->ops = pv->ops;
    source->link = pv->link ? oph__local_ref(pv->link) : NULL;
    return source->path && source->pv;
}

/* The recipe over the setpoints, or the readbacks, of the sources. */
static int make(oph_context *ctx, const struct oph__recipe *recipe, bool setpoints,
                struct oph__link **ret, oph_error *err)
{
    size_t n = recipe->count;
    struct oph__derived *d = calloc(1, sizeof *d + n * sizeof d->from[0]);
    if (!d) return oph__fail_memory(err, "a signal");
    atomic_init(&d->base.refs, 1);
    d->base.destroy = destroy;
    d->ctx = ctx;
    d->what = *recipe->what;
    d->what.name = d->name = oph__dup(recipe->what->name);
    d->shaped = recipe->shaped;
    d->forward = recipe->forward;
    d->inverse = recipe->inverse;
    d->user = recipe->user;
    d->count = n;
    bool good = d->name != NULL;
    for (size_t i = 0; i < n; i++) {
        const oph_signal *sig = recipe->from[i];
        good = use_source(&d->from[i], sig, setpoints ? sig->set : sig->read) && good;
    }
    if (!good) {
        oph__local_unref(&d->base);
        return oph__fail_memory(err, "a signal");
    }
    *ret = &d->base;
    return 0;
}

static int check_sources(oph_context *ctx, const struct oph__recipe *recipe, oph_error *err)
{
    const struct oph__at at = {.device = recipe->what->name};
    for (size_t i = 0; i < recipe->count; i++) {
        if (!recipe->from[i])
            return oph__fail(err, OPH_EINVAL, at, "signals to be computed from", "NULL");
        if (recipe->from[i]->ctx != ctx)
            return oph__fail(err, OPH_EINVAL, at, "signals of the same context",
                             "%s of another one", recipe->from[i]->path);
    }
    return 0;
}

/* Two recipes where a put goes to other PVs than a get comes from. */
static bool is_split(const struct oph__recipe *recipe)
{
    for (size_t i = 0; i < recipe->count; i++)
        if (recipe->from[i]->set != recipe->from[i]->read) return recipe->inverse != NULL;
    return false;
}

int oph__derived_make(oph_context *ctx, const struct oph__recipe *recipe, oph_signal **ret,
                      oph_error *err)
{
    struct oph__link *set, *read;
    int rc = check_sources(ctx, recipe, err);
    if (!rc) rc = make(ctx, recipe, false, &read, err);
    if (rc) return rc;
    set = read;
    if (is_split(recipe)) rc = make(ctx, recipe, true, &set, err);
    if (rc) {
        oph__local_unref(read);
        return rc;
    }
    rc = oph__local_signal(ctx, recipe->what, oph__derived_ops(), set, read, ret, err);
    for (size_t i = 0; !rc && recipe->inverse && i < recipe->count; i++)
        (*ret)->slow += oph__signal_slow(recipe->from[i]);
    return rc;
}

int oph_derived_new(oph_context *ctx, const oph_derived *what, oph_signal **ret, oph_error *err)
{
    struct oph__local local;
    oph_derived w = {0};
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    memcpy(&w, what, what->size < sizeof w ? what->size : sizeof w);
    rc = oph__local_describe(w.name, w.dtype, 1, w.properties, &local, err);
    if (rc) return rc;
    if (!w.forward || !w.count || !w.from)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = w.name},
                         "a forward function and signals to compute from", "%s",
                         w.forward ? "no signals" : "no function");
    local.info.writable = w.inverse != NULL;
    const struct oph__recipe recipe = {.what = &local,
                                       .forward = w.forward,
                                       .inverse = w.inverse,
                                       .user = w.user,
                                       .from = w.from,
                                       .count = w.count};
    return oph__derived_make(ctx, &recipe, ret, err);
}
