/* Writing a plan, in as few round trips as it takes to know what came of it.
 *
 * No barrier stands between the ports of a device: one circuit keeps the order of the puts, and
 * each port works off its own in that order. What one port does depends on another's settings only
 * once frames flow, and they do not before the start rows, which wait for all. */
#include "base/err.h"
#include "core/plan_parts.h"
#include <stdlib.h>

/* The IOC seldom says in the start row itself why it did not start. */
static void explain(oph_device *dev, oph_error *err)
{
    for (size_t i = 0; i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (hook->ops->explain) hook->ops->explain(dev, hook->data, err);
    }
}

static size_t list_writes(struct oph__plan *plan, bool starts, struct oph__write *writes)
{
    const oph_context_options *options = &plan->dev->ctx->options;
    size_t n = 0;
    for (size_t i = 0; i < plan->items.count; i++) {
        struct oph__item *item = plan->items.at[i];
        if (item->skipped || oph__item_starts(item) != starts) continue;
        item->touched = true;
        writes[n] = (struct oph__write){.sig = item->sig, .wire = &item->wire};
        writes[n].expect = writes[n].wire;
        /* Neither is put with completion, so that its readback tells of it alone. */
        if (oph__signal_is_start(item->sig))
            writes[n].patience = starts ? options->put_timeout : options->stop_timeout;
        n++;
    }
    return n;
}

static int write_result(const struct oph__write *writes, size_t count, oph_error *err)
{
    size_t first = 0;
    while (first < count && !writes[first].rc)
        first++;
    if (first == count) return 0;
    if (err) *err = writes[first].error;
    const oph_signal *sig = writes[first].sig;
    if (err && writes[first].rc == OPH_EMISMATCH && oph__signal_is_start(sig))
        explain(sig->dev, err);
    return writes[first].rc;
}

/* What was started, and nobody saw whether it runs. */
static void mark_unseen(struct oph__plan *plan, const struct oph__write *writes, size_t count)
{
    for (size_t i = 0; i < plan->items.count; i++) {
        struct oph__item *item = plan->items.at[i];
        for (size_t w = 0; w < count; w++)
            if (writes[w].sig == item->sig)
                item->unseen = writes[w].rc == OPH_EINTR || writes[w].rc == OPH_ECANCEL;
    }
}

/* The settings, or the start rows. What hooks ask goes out with the readbacks of the settings. */
static int write_items(struct oph__plan *plan, bool starts, oph_error *err)
{
    if (oph__call_is_cancelled(&plan->dev->ctx->waits))
        return oph__fail_text(err, OPH_ECANCEL, "cancelled");
    size_t asked = starts ? 0 : oph__asked_count(plan, OPH__ONCE_WRITTEN);
    struct oph__write *writes = calloc(plan->items.count + 1, sizeof *writes);
    struct oph__read *reads = calloc(asked + 1, sizeof *reads);
    if (!writes || !reads) {
        free(writes);
        free(reads);
        return oph__fail_memory(err, "a plan");
    }
    size_t n = list_writes(plan, starts, writes);
    if (asked) oph__asked_list(plan, OPH__ONCE_WRITTEN, reads);
    const struct oph__exchange x = {.writes = writes,
                                    .write_count = n,
                                    .reads = reads,
                                    .read_count = asked,
                                    .reads_last = true,
                                    .timeout = OPH_DEFAULT};
    int rc = n + asked ? oph__exchange(plan->dev->ctx, &x, true, err) : 0;
    if (asked) oph__asked_take(plan, OPH__ONCE_WRITTEN, reads);
    if (rc && starts) mark_unseen(plan, writes, n);
    if (!rc) rc = write_result(writes, n, err);
    oph__reads_clear(reads, asked);
    free(reads);
    free(writes);
    return rc;
}

/* With takeover, before anything else is written. */
static int stop_running(struct oph__plan *plan, oph_error *err)
{
    size_t n = 0, count = plan->items.count;
    struct oph__write *writes = calloc(count + 1, sizeof *writes);
    struct oph__wire *zeros = calloc(count + 1, sizeof *zeros);
    int rc = writes && zeros ? 0 : oph__fail_memory(err, "a plan");
    for (size_t i = 0; !rc && i < count; i++) {
        struct oph__item *item = plan->items.at[i];
        if (!oph__item_ran(item)) continue;
        rc = oph__item_zero(item, &zeros[n], err);
        if (rc) break;
        item->touched = true;
        writes[n] = (struct oph__write){.sig = item->sig,
                                        .wire = &zeros[n],
                                        .expect = &zeros[n],
                                        .patience = plan->dev->ctx->options.stop_timeout};
        n++;
    }
    if (!rc) rc = oph__write_all(plan->dev->ctx, writes, n, true, err);
    for (size_t i = 0; zeros && i < n; i++)
        oph__wire_clear(&zeros[i]);
    free(zeros);
    free(writes);
    return rc;
}

static int call_ready(oph_device *dev, void *user, oph_error *err)
{
    const struct oph__plan *plan = user;
    int rc = 0;
    for (size_t i = 0; !rc && i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (hook->ops->ready) rc = hook->ops->ready(dev, hook->data, plan, err);
    }
    return rc;
}

int oph__plan_apply(struct oph__plan *plan, oph_error *err)
{
    int rc = stop_running(plan, err);
    if (!rc) rc = write_items(plan, false, err);
    if (!rc && plan->whole) rc = oph__device_each(plan->dev, call_ready, plan, err);
    return rc ? rc : write_items(plan, true, err);
}
