/* What the values are that a device reads: types, shapes and where they come from. */
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/reading.h"
#include <stdlib.h>
#include <string.h>

enum { KEY, OBJECT, SOURCE, DTYPE, NUMPY, EXTERNAL, TEXTS };

struct row {
    oph_description told; /* what the caller sees */
    oph_properties properties;
    char *texts[TEXTS];
};

struct oph_descriptions {
    struct oph__vec rows;   /* struct row */
    struct oph__map by_key; /* the same */
};

size_t oph_descriptions_count(const oph_descriptions *list)
{
    return list ? list->rows.count : 0;
}

const oph_description *oph_descriptions_at(const oph_descriptions *list, size_t index)
{
    if (index >= oph_descriptions_count(list)) return NULL;
    const struct row *row = list->rows.at[index];
    return &row->told;
}

static void free_row(struct row *row)
{
    if (!row) return;
    for (int i = 0; i < TEXTS; i++)
        free(row->texts[i]);
    free(row);
}

oph_descriptions *oph__descriptions_new(void)
{
    return calloc(1, sizeof(oph_descriptions));
}

void oph_descriptions_free(oph_descriptions *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->rows.count; i++)
        free_row(list->rows.at[i]);
    oph__vec_free(&list->rows);
    oph__map_free(&list->by_key);
    free(list);
}

bool oph__describe_has(const struct oph__describing *to, const char *key)
{
    return oph__map_get(&to->list->by_key, key) != NULL;
}

int oph__describe_add(struct oph__describing *to, const oph_description *told, oph_error *err)
{
    const char *const texts[TEXTS] = {
        [KEY] = told->key,     [OBJECT] = to->object_name,  [SOURCE] = told->source,
        [DTYPE] = told->dtype, [NUMPY] = told->dtype_numpy, [EXTERNAL] = told->external};
    if (oph__describe_has(to, told->key))
        return oph__fail_text(err, OPH_EINVAL, "%s: wanted each key once, found %s twice",
                              to->object_name, told->key);
    struct row *row = calloc(1, sizeof *row);
    bool ok = row != NULL;
    for (int i = 0; ok && i < TEXTS; i++)
        ok = !texts[i] || (row->texts[i] = oph__dup(texts[i]));
    if (ok) ok = oph__vec_add(&to->list->rows, row);
    if (ok && !oph__map_set(&to->list->by_key, told->key, row)) {
        oph__vec_remove(&to->list->rows, to->list->rows.count - 1);
        ok = false;
    }
    if (!ok) {
        free_row(row);
        return oph__fail_memory(err, "a description");
    }
    row->told = *told;
    row->told.key = row->texts[KEY];
    row->told.object_name = row->texts[OBJECT];
    row->told.source = row->texts[SOURCE];
    row->told.dtype = row->texts[DTYPE];
    row->told.dtype_numpy = row->texts[NUMPY];
    row->told.external = row->texts[EXTERNAL];
    if (!told->properties) return 0;
    row->properties = *told->properties;
    row->told.properties = &row->properties;
    return 0;
}

const char *oph__numpy_type(int32_t dtype)
{
    static const char *const types[] = {
        [OPH_INT8] = "|i1",    [OPH_UINT8] = "|u1",   [OPH_INT16] = "<i2", [OPH_UINT16] = "<u2",
        [OPH_INT32] = "<i4",   [OPH_UINT32] = "<u4",  [OPH_INT64] = "<i8", [OPH_UINT64] = "<u8",
        [OPH_FLOAT32] = "<f4", [OPH_FLOAT64] = "<f8", [OPH_ENUM] = "<u2"};
    bool known = dtype > 0 && dtype < (int32_t)(sizeof types / sizeof *types);
    return known ? types[dtype] : NULL;
}

/* With the NUL at its end; 0: it is no text. */
static uint32_t text_bytes(const oph_signal *sig, const struct oph__chan_info *info)
{
    if (info->dtype == OPH_TEXT) return OPH__STRING_BYTES;
    if (oph__signal_has_label(sig, info)) return OPH__LABEL_BYTES;
    return oph__signal_has_text(sig, info) ? info->count : 0;
}

static const char *dtype_of(const oph_signal *sig, const struct oph__chan_info *info)
{
    if (oph__signal_has_array(sig, info)) return "array";
    if (text_bytes(sig, info)) return "string";
    return oph__is_float(info->dtype) ? "number" : "integer";
}

/* `value`: of an array; else NULL. It is not there where the PV was down for a moment, and so was
 * not known to be one. */
static int add(struct oph__describing *to, oph_signal *sig, const struct oph_value *value,
               oph_error *err)
{
    struct oph__chan_info info;
    oph_properties properties = {.size = sizeof properties};
    char numpy[16];
    if (!oph__pv_info(sig->read, &info))
        return oph__fail(err, OPH_EDISCONN, oph__pv_at(sig->read), "its properties",
                         "the PV is not connected");
    if (oph__signal_has_array(sig, &info) && !value)
        return oph__fail(err, OPH_EDISCONN, oph__pv_at(sig->read), "the length of its array",
                         "the PV was not connected");
    oph__properties_fill(&properties, &info);
    uint32_t text = text_bytes(sig, &info);
    if (text) oph__format(numpy, sizeof numpy, "<U%u", text - 1);
    char *key = oph__signal_key(sig);
    char *source = oph__dupf("%s:%s", sig->read->link ? "SIM" : "PV", sig->read->name);
    oph_description told = {.key = key,
                            .source = source,
                            .dtype = dtype_of(sig, &info),
                            .dtype_numpy = oph__numpy_type(info.dtype),
                            .signal = sig,
                            .properties = &properties};
    if (text) told.dtype_numpy = numpy;
    if (value) told.rank = oph_value_shape(value, told.shape, OPH__AXES);
    if (value && !told.rank) { /* an array that has one element now */
        told.rank = 1;
        told.shape[0] = value->count;
    }
    int rc = key && source ? oph__describe_add(to, &told, err) : oph__fail_memory(err, "a key");
    free(key);
    free(source);
    return rc;
}

static int ask(oph_group *g, oph_signal *sig, double timeout, oph_error *err)
{
    struct oph__chan_info info = {0};
    struct oph__entry *e = oph__group_add(g, OPH__DESCRIBE, sig, sig->read, err);
    if (e) e->timeout = timeout;
    if (!e || !oph__pv_info(sig->read, &info) || !oph__signal_has_array(sig, &info))
        return e ? 0 : OPH_ENOMEM;
    e = oph__group_add(g, OPH__READ, sig, sig->read, err);
    if (e) e->timeout = timeout;
    return e ? 0 : OPH_ENOMEM;
}

static int take(struct oph__describing *to, const oph_group *g, oph_report *report, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < g->entries.count; i++) {
        struct oph__entry *e = g->entries.at[i];
        struct oph__entry *next = i + 1 < g->entries.count ? g->entries.at[i + 1] : NULL;
        struct oph__entry *read = next && next->kind == OPH__READ ? next : NULL;
        oph_error one = OPH_ERROR_INIT;
        int failed = oph__entry_error(e, &one);
        if (!failed && read) failed = oph__entry_error(read, &one);
        if (!failed) failed = add(to, e->sig, read ? &read->op->value : NULL, &one);
        if (failed) rc = oph__report_note(report, &one, rc, err);
        if (read) i++;
    }
    return rc;
}

static int describe_signals(struct oph__describing *to, oph_context *ctx,
                            const struct oph__vec *signals, oph_report *report, oph_error *err)
{
    oph_group *g;
    int rc = oph_group_new(ctx, &g, err);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < signals->count; i++)
        rc = ask(g, signals->at[i], to->timeout, err);
    if (!rc) rc = oph__group_run(g, (double)INFINITY, true, err);
    if (!rc) rc = take(to, g, report, err);
    oph__group_unref(g);
    return rc;
}

/* What hooks know beside that. */
static int describe_rest(struct oph__describing *to, const struct oph__vec *devices,
                         oph_report *report, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < devices->count; i++) {
        oph_device *dev = devices->at[i];
        for (size_t h = 0; h < dev->hooks.count; h++) {
            const struct oph__hook *hook = dev->hooks.at[h];
            oph_error one = OPH_ERROR_INIT;
            if (hook->ops->describe && hook->ops->describe(dev, hook->data, to, &one))
                rc = oph__report_note(report, &one, rc, err);
        }
    }
    return rc;
}

static int describe_kind(oph_device *dev, int32_t kind, double timeout, oph_descriptions **ret,
                         oph_report **ret_report, oph_error *err)
{
    struct oph__describing to = {.object_name = dev->name, .timeout = timeout};
    struct oph__walk walk = {0};
    struct oph__call call;
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph_report *report = oph__report_new();
    oph__call_begin(&dev->ctx->waits, &call);
    to.list = oph__descriptions_new();
    rc = to.list ? oph__walk_connected(&walk, dev, kind, timeout, report, err)
                 : oph__fail_memory(err, "descriptions");
    if (!rc) rc = describe_signals(&to, dev->ctx, &walk.signals, report, err);
    if (!rc && kind == OPH_KIND_NORMAL) rc = describe_rest(&to, &walk.devices, report, err);
    oph__call_end(&dev->ctx->waits, &call);
    oph__walk_free(&walk);
    oph__report_give(report, ret_report);
    if (!rc)
        *ret = to.list;
    else
        oph_descriptions_free(to.list);
    return rc;
}

int oph_describe(oph_device *dev, double timeout, oph_descriptions **ret, oph_report **ret_report,
                 oph_error *err)
{
    return describe_kind(dev, OPH_KIND_NORMAL, timeout, ret, ret_report, err);
}

int oph_describe_configuration(oph_device *dev, double timeout, oph_descriptions **ret,
                               oph_report **ret_report, oph_error *err)
{
    return describe_kind(dev, OPH_KIND_CONFIG, timeout, ret, ret_report, err);
}

/* Connected first: whether it is an array is known then. */
int oph_signal_describe(oph_signal *sig, double timeout, oph_descriptions **ret, oph_error *err)
{
    struct oph__describing to = {.object_name = sig->dev ? sig->dev->name : sig->path,
                                 .timeout = timeout};
    void *at = sig;
    const struct oph__vec one = {.at = &at, .count = 1};
    struct oph__call call;
    int rc = oph__context_may_block(sig->ctx, err);
    if (rc) return rc;
    oph__call_begin(&sig->ctx->waits, &call);
    to.list = oph__descriptions_new();
    rc = to.list ? oph__connect_signals(sig->ctx, &one,
                                        oph__patience(timeout, sig->ctx->options.connect_timeout),
                                        NULL, err)
                 : oph__fail_memory(err, "descriptions");
    if (!rc) rc = describe_signals(&to, sig->ctx, &one, NULL, err);
    oph__call_end(&sig->ctx->waits, &call);
    if (!rc)
        *ret = to.list;
    else
        oph_descriptions_free(to.list);
    return rc;
}
