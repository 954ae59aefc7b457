#include "core/write.h"
#include "core/group.h"

int oph__write_all(oph_context *ctx, struct oph__write *writes, size_t count, bool interruptible,
                   oph_error *err)
{
    oph_group *g = NULL;
    oph_error whole = OPH_ERROR_INIT; /* what ended all of it */
    if (!count) return 0;
    int rc = oph_group_new(ctx, &g, &whole);
    for (size_t i = 0; !rc && i < count; i++)
        rc = oph__group_add_write(g, &writes[i], &whole);
    if (!rc) rc = oph__group_run(g, (double)INFINITY, interruptible, &whole);
    bool ran = !rc || rc == OPH_EINTR;
    for (size_t i = 0; i < count; i++) {
        writes[i].error = ran ? (oph_error)OPH_ERROR_INIT : whole;
        writes[i].rc = ran ? oph__entry_error(g->entries.at[i], &writes[i].error) : rc;
    }
    if (g) oph__group_unref(g);
    if (rc && err) *err = whole;
    for (size_t i = 0; !rc && i < count; i++) {
        rc = writes[i].rc;
        if (rc && err) *err = writes[i].error;
    }
    return rc;
}

int oph__write_await(oph_signal *sig, const struct oph__wire *expect, bool differ, double patience,
                     oph_error *err)
{
    const struct oph__write w = {
        .sig = sig, .expect = expect, .differ = differ, .patience = patience};
    oph_group *g;
    int rc = oph_group_new(sig->ctx, &g, err);
    if (rc) return rc;
    rc = oph__group_add_await(g, &w, err);
    if (!rc) rc = oph__group_run(g, (double)INFINITY, false, err);
    if (!rc) rc = oph__entry_error(g->entries.at[0], err);
    oph__group_unref(g);
    return rc;
}
