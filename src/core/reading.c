/* What a device reads: its values, in one flush. */
#include "core/reading.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include <stdlib.h>
#include <string.h>

struct row {
    oph_reading told; /* what the caller sees */
    struct oph_value value;
    char *key, *text;
};

struct oph_readings {
    struct oph__vec rows; /* struct row */
};

size_t oph_readings_count(const oph_readings *readings)
{
    return readings ? readings->rows.count : 0;
}

const oph_reading *oph_readings_at(const oph_readings *readings, size_t index)
{
    if (index >= oph_readings_count(readings)) return NULL;
    const struct row *row = readings->rows.at[index];
    return &row->told;
}

static void free_row(struct row *row)
{
    if (!row) return;
    oph__value_clear(&row->value);
    free(row->key);
    free(row->text);
    free(row);
}

void oph_readings_free(oph_readings *readings)
{
    if (!readings) return;
    for (size_t i = 0; i < readings->rows.count; i++)
        free_row(readings->rows.at[i]);
    oph__vec_free(&readings->rows);
    free(readings);
}

/* False when memory is short. */
static bool take_text(struct row *row, const oph_signal *sig, const struct oph__chan_info *info)
{
    const struct oph_value *v = &row->value;
    const char *text = NULL;
    size_t length = 0;
    bool single = v->count == 1;
    unsigned index = single && v->dtype == OPH_ENUM ? *(const uint16_t *)v->data : OPH__LABELS;
    if (index < info->label_count) {
        text = info->labels[index];
        length = strlen(text);
    } else if ((single && v->dtype == OPH_TEXT) || oph__signal_has_text(sig, info)) {
        oph__value_text(v, &text, &length);
    }
    if (text) row->text = oph__dup_n(text, length);
    return !text || row->text;
}

static int add(oph_readings *list, oph_signal *sig, struct oph_value *value, oph_error *err)
{
    struct oph__chan_info info = {0};
    bool known = oph__pv_info(sig->read, &info);
    if (!known && (value->dtype == OPH_ENUM || value->dtype == OPH_UINT8)) /* a label, or text */
        return oph__fail(err, OPH_EDISCONN, oph__pv_at(sig->read), "what its value stands for",
                         "the PV is not connected");
    struct row *row = calloc(1, sizeof *row);
    if (row) row->key = oph__signal_key(sig);
    if (row) oph__value_move(&row->value, value);
    if (!row || !row->key || !take_text(row, sig, &info) || !oph__vec_add(&list->rows, row)) {
        free_row(row);
        return oph__fail_memory(err, "a reading");
    }
    const struct oph_value *v = &row->value;
    row->told = (oph_reading){.key = row->key,
                              .signal = sig,
                              .value = v,
                              .text = row->text,
                              .time = (double)v->seconds + v->nanoseconds * 1e-9,
                              .severity = v->severity,
                              .alarm = v->status};
    return 0;
}

/* Each failure is reported; the first is returned. */
static int take(oph_readings *list, const oph_group *g, oph_report *report, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < g->entries.count; i++) {
        struct oph__entry *e = g->entries.at[i];
        oph_error one = OPH_ERROR_INIT;
        if (!oph__entry_error(e, &one)) {
            if (!rc) rc = add(list, e->sig, &e->op->value, err);
            continue;
        }
        rc = oph__report_note(report, &one, rc, err);
    }
    return rc;
}

static int read_all(oph_context *ctx, const struct oph__vec *signals, double timeout,
                    oph_report *report, oph_readings **ret, oph_error *err)
{
    oph_group *g = NULL;
    oph_readings *list = calloc(1, sizeof *list);
    int rc = list ? oph_group_new(ctx, &g, err) : oph__fail_memory(err, "a reading");
    for (size_t i = 0; !rc && i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        struct oph__entry *e = oph__group_add(g, OPH__READ, sig, sig->read, err);
        if (e) e->timeout = timeout;
        if (e) e->how.dtype = oph__signal_dtype(sig);
        rc = e ? 0 : OPH_ENOMEM;
    }
    if (!rc) rc = oph__group_run(g, (double)INFINITY, true, err);
    if (!rc) rc = take(list, g, report, err);
    if (g) oph__group_unref(g);
    if (!rc)
        *ret = list;
    else
        oph_readings_free(list);
    return rc;
}

static int read_kind(oph_device *dev, int32_t kind, double timeout, oph_readings **ret,
                     oph_report **ret_report, oph_error *err)
{
    struct oph__walk walk = {0};
    struct oph__call call;
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph_report *report = oph__report_new();
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph__walk_connected(&walk, dev, kind, timeout, report, err);
    if (!rc) rc = read_all(dev->ctx, &walk.signals, timeout, report, ret, err);
    oph__call_end(&dev->ctx->waits, &call);
    oph__walk_free(&walk);
    oph__report_give(report, ret_report);
    return rc;
}

int oph_read(oph_device *dev, double timeout, oph_readings **ret, oph_report **ret_report,
             oph_error *err)
{
    return read_kind(dev, OPH_KIND_NORMAL, timeout, ret, ret_report, err);
}

int oph_read_configuration(oph_device *dev, double timeout, oph_readings **ret,
                           oph_report **ret_report, oph_error *err)
{
    return read_kind(dev, OPH_KIND_CONFIG, timeout, ret, ret_report, err);
}

int oph_signal_reading(oph_signal *sig, double timeout, oph_readings **ret, oph_error *err)
{
    void *one = sig;
    int rc = oph__context_may_block(sig->ctx, err);
    if (rc) return rc;
    struct oph__call call;
    oph__call_begin(&sig->ctx->waits, &call);
    rc = read_all(sig->ctx, &(struct oph__vec){.at = &one, .count = 1}, timeout, NULL, ret, err);
    oph__call_end(&sig->ctx->waits, &call);
    return rc;
}

/* Hints */

struct oph_keys {
    struct oph__vec keys; /* char * */
};

size_t oph_keys_count(const oph_keys *keys)
{
    return keys ? keys->keys.count : 0;
}

const char *oph_keys_at(const oph_keys *keys, size_t index)
{
    return index < oph_keys_count(keys) ? keys->keys.at[index] : NULL;
}

void oph_keys_free(oph_keys *keys)
{
    if (!keys) return;
    for (size_t i = 0; i < keys->keys.count; i++)
        free(keys->keys.at[i]);
    oph__vec_free(&keys->keys);
    free(keys);
}

int oph_hints(oph_device *dev, oph_keys **ret, oph_error *err)
{
    struct oph__walk walk = {0};
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    oph_keys *keys = calloc(1, sizeof *keys);
    rc = keys ? oph__walk(&walk, dev, OPH_KIND_NORMAL, err) : oph__fail_memory(err, "hints");
    for (size_t i = 0; !rc && i < walk.signals.count; i++) {
        oph_signal *sig = walk.signals.at[i];
        if ((oph_signal_kind(sig) & OPH_KIND_HINTED) != OPH_KIND_HINTED) continue;
        char *key = oph__signal_key(sig);
        if (key && oph__vec_add(&keys->keys, key)) continue;
        free(key);
        rc = oph__fail_memory(err, "hints");
    }
    oph__walk_free(&walk);
    if (!rc)
        *ret = keys;
    else
        oph_keys_free(keys);
    return rc;
}
