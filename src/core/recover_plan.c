/* From a journal's lines to a plan that can be put back. */
#include "base/err.h"
#include "core/recover.h"
#include <stdlib.h>
#include <string.h>

static void free_device(oph_device *dev)
{
    if (!dev) return;
    for (size_t i = 0; i < dev->children.count; i++)
        free_device(dev->children.at[i]);
    oph__vec_free(&dev->children);
    free(dev->path);
    free(dev->prefix);
    free(dev);
}

static oph_device *new_device(oph_context *ctx, const char *path, const char *prefix)
{
    oph_device *dev = calloc(1, sizeof *dev);
    if (!dev) return NULL;
    dev->ctx = ctx;
    dev->path = oph__dup(path);
    dev->prefix = oph__dup(prefix);
    if (dev->path && dev->prefix) return dev;
    free_device(dev);
    return NULL;
}

/* One a port, as when it was staged: settings of one go out together. */
static oph_device *device_of(oph_device *root, const char *path)
{
    for (size_t i = 0; i < root->children.count; i++) {
        oph_device *dev = root->children.at[i];
        if (oph__equal(dev->path, path)) return dev;
    }
    oph_device *dev = new_device(root->ctx, path, "");
    if (dev && oph__vec_add(&root->children, dev)) return dev;
    free_device(dev);
    return NULL;
}

/* A signal's row is its own here. */
void oph__recover_signal_free(oph_signal *sig)
{
    struct oph__row *row = sig ? (struct oph__row *)(uintptr_t)sig->row : NULL;
    oph__signal_free(sig);
    if (!row) return;
    free((char *)(uintptr_t)row->attr);
    free(row);
}

static const struct oph__row *new_row(const struct oph__record *rec)
{
    struct oph__row *row = calloc(1, sizeof *row);
    char *attr = oph__dup(rec->attr);
    if (!row || !attr) {
        free(row);
        free(attr);
        return NULL;
    }
    *row = (struct oph__row){.attr = attr,
                             .suffix = "",
                             .doc = "",
                             .origin = "",
                             .how = rec->how,
                             .type = rec->type,
                             .slow = rec->slow,
                             .counter = rec->counter,
                             .moves = rec->moves};
    return row;
}

static int fill_signal(oph_signal *sig, const struct oph__record *rec, oph_error *err)
{
    sig->path = rec->device ? oph__dupf("%s.%s", rec->device, rec->attr) : oph__dup(rec->pv);
    sig->row = new_row(rec);
    if (!sig->path || !sig->row) return oph__fail_memory(err, "a signal");
    int rc = oph__pv_new(sig->ctx, rec->pv, sig->path, &sig->set, err);
    sig->read = sig->set;
    if (!rc && *rec->readback) {
        struct oph__pv *read;
        rc = oph__pv_new(sig->ctx, rec->readback, sig->path, &read, err);
        if (!rc) sig->read = read;
    }
    return rc;
}

static int new_signal(oph_device *dev, const struct oph__record *rec, oph_signal **ret,
                      oph_error *err)
{
    oph_signal *sig = calloc(1, sizeof *sig);
    if (!sig) return oph__fail_memory(err, "a signal");
    sig->ctx = dev->ctx;
    sig->dev = dev;
    int rc = fill_signal(sig, rec, err);
    if (rc)
        oph__recover_signal_free(sig);
    else
        *ret = sig;
    return rc;
}

int oph__recover_signal(const struct oph__plan *plan, const char *pv, oph_signal **ret,
                        oph_error *err)
{
    const struct oph__record rec = {.attr = "", .pv = pv, .readback = ""};
    return new_signal(plan->dev, &rec, ret, err);
}

/* What is known of the channel before it is connected: its server, and labels of the originals. */
static void note_label(struct oph__chan_info *info, const struct oph_value *value,
                       const char *label)
{
    if (value->dtype != OPH_ENUM || !value->count || !label) return;
    unsigned index = *(const uint16_t *)value->data;
    if (index >= OPH__LABELS) return;
    oph__copy(info->labels[index], sizeof info->labels[index], label);
    if (index >= info->label_count) info->label_count = (uint16_t)(index + 1);
}

static int fill_wire(struct oph__wire *wire, const struct oph_value *value, oph_error *err)
{
    int rc = oph__wire_reserve(wire, value->dtype, value->count, err);
    if (!rc && value->count)
        memcpy(wire->data, value->data, value->count * oph_dtype_size(value->dtype));
    return rc;
}

static int add_later(struct oph__item *item, const struct oph_value *value, oph_error *err)
{
    struct oph__wire *wire = calloc(1, sizeof *wire);
    if (!wire || !oph__vec_add(&item->later, wire)) {
        free(wire);
        return oph__fail_memory(err, "a plan");
    }
    return fill_wire(wire, value, err);
}

static int fill_item(struct oph__item *item, struct oph__record *rec, oph_error *err)
{
    bool start = rec->how == OPH__START;
    char *text = oph__dup(rec->text);
    if (!text) return oph__fail_memory(err, "a plan");
    /* The value itself is in the wire; a literal is asked only whether it starts something. */
    item->value = (struct oph__literal){
        .kind = start ? OPH__LIT_INT : OPH__LIT_TEXT, .i = rec->starts, .text = text};
    item->touched = true;
    oph__copy(item->info.host, sizeof item->info.host, rec->server);
    note_label(&item->info, &rec->read, rec->read_label);
    note_label(&item->info, &rec->set, rec->set_label);
    int rc = fill_wire(&item->wire, &rec->staged, err);
    for (size_t i = 0; !rc && i < rec->later_count; i++)
        rc = add_later(item, &rec->later[i], err);
    if (rc) return rc;
    if (oph__value_copy(&item->set, &rec->set, 0) &&
        (!rec->read.data || oph__value_copy(&item->read, &rec->read, 0)))
        return 0;
    return oph__fail_memory(err, "a plan");
}

static int add_item(struct oph__plan *plan, struct oph__record *rec, oph_error *err)
{
    oph_device *dev = device_of(plan->dev, rec->device);
    struct oph__item *item = dev ? calloc(1, sizeof *item) : NULL;
    if (!item) return oph__fail_memory(err, "a plan");
    int rc = new_signal(dev, rec, &item->sig, err);
    if (!rc && !oph__vec_add(&plan->items, item)) {
        oph__recover_signal_free(item->sig);
        rc = oph__fail_memory(err, "a plan");
    }
    if (rc) {
        free(item);
        return rc;
    }
    item->list = dev;
    return fill_item(item, rec, err);
}

int oph__recover_plan(oph_context *ctx, const struct oph__journal_content *content,
                      struct oph__plan **ret, oph_error *err)
{
    struct oph__plan *plan;
    oph_device *root = new_device(ctx, content->head.device, content->head.prefix);
    if (!root) return oph__fail_memory(err, "a plan");
    int rc = oph__plan_new(root, &plan, err);
    if (rc) {
        free_device(root);
        return rc;
    }
    plan->recovered = true;
    for (size_t i = 0; !rc && i < content->records.count; i++)
        rc = add_item(plan, content->records.at[i], err);
    if (rc)
        oph__recover_plan_free(plan);
    else
        *ret = plan;
    return rc;
}

void oph__recover_plan_free(struct oph__plan *plan)
{
    oph_device *root = plan->dev;
    for (size_t i = 0; i < plan->items.count; i++)
        oph__recover_signal_free(((struct oph__item *)plan->items.at[i])->sig);
    oph__plan_free(plan);
    free_device(root);
}
