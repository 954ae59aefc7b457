#include "core/local.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/subscription.h"
#include <cophyd/soft.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_ROOM = 4096 }; /* of a text that says nothing else, with its NUL */

struct oph__link *oph__local_ref(struct oph__link *link)
{
    atomic_fetch_add(&link->refs, 1);
    return link;
}

void oph__local_unref(struct oph__link *link)
{
    if (link && atomic_fetch_sub(&link->refs, 1) == 1) link->destroy(link);
}

int oph__local_open(struct oph__log *log, struct oph__link **ret, oph_error *err)
{
    (void)log, (void)ret;
    return oph__fail_text(err, OPH_EINVAL, "a local signal has its link from the start");
}

/* What it is */

static enum oph__rowtype type_of(int32_t dtype, uint32_t count)
{
    if (dtype == OPH_STRING) return OPH__TEXT;
    if (count > 1) return OPH__ARRAY;
    if (dtype == OPH_TEXT) return OPH__TEXT;
    if (dtype == OPH_ENUM) return OPH__ENUM;
    return oph__is_float(dtype) ? OPH__FLOAT : OPH__INT;
}

static int refuse(const char *name, int code, const char *wanted, const char *what, uint64_t found,
                  oph_error *err)
{
    return oph__fail(err, code, (struct oph__at){.device = name}, wanted, "%s %llu", what,
                     (unsigned long long)found);
}

static int use_labels(const char *name, const oph_properties *p, struct oph__chan_info *info,
                      oph_error *err)
{
    if (p->label_count > OPH__LABELS)
        return refuse(name, OPH_ERANGE, "at most 16 labels", "label_count", p->label_count, err);
    info->label_count = (uint16_t)p->label_count;
    for (uint32_t i = 0; i < p->label_count; i++) {
        size_t length = strnlen(p->labels[i], sizeof p->labels[i]);
        if (length >= OPH__LABEL_BYTES)
            return oph__fail(err, OPH_ERANGE, (struct oph__at){.device = name},
                             "labels of at most 25 characters", "\"%.*s\"", (int)length,
                             p->labels[i]);
        memcpy(info->labels[i], p->labels[i], length + 1);
    }
    return 0;
}

static int use_properties(const char *name, const oph_properties *p, struct oph__chan_info *info,
                          oph_error *err)
{
    size_t length = strnlen(p->units, sizeof p->units);
    if (length >= sizeof info->units) {
        char wanted[48];
        oph__format(wanted, sizeof wanted, "units of at most %zu characters",
                    sizeof info->units - 1);
        return oph__fail(err, OPH_ERANGE, (struct oph__at){.device = name}, wanted, "\"%.*s\"",
                         (int)length, p->units);
    }
    memcpy(info->units, p->units, length + 1);
    info->precision = (int16_t)p->precision;
    info->control_low = p->control_low;
    info->control_high = p->control_high;
    info->display_low = p->display_low;
    info->display_high = p->display_high;
    info->warning_low = p->warning_low;
    info->warning_high = p->warning_high;
    info->alarm_low = p->alarm_low;
    info->alarm_high = p->alarm_high;
    return use_labels(name, p, info, err);
}

int oph__local_describe(const char *name, int32_t dtype, uint64_t count,
                        const oph_properties *properties, struct oph__local *ret, oph_error *err)
{
    oph_properties p = {.writable = 1};
    if (!name || !*name)
        return oph__fail_text(err, OPH_EINVAL, "a signal without a device: wanted a name, found %s",
                              name ? "\"\"" : "NULL");
    if (properties && properties->size < sizeof properties->size)
        return refuse(name, OPH_EINVAL, "the size of oph_properties", "size", properties->size,
                      err);
    if (properties)
        memcpy(&p, properties, properties->size < sizeof p ? properties->size : sizeof p);
    if (p.dtype) dtype = p.dtype;
    if (dtype == OPH_STRING && count > 1) dtype = OPH_TEXT;
    bool is_text = dtype == OPH_STRING;
    if (!is_text && !oph_dtype_size(dtype))
        return refuse(name, OPH_EINVAL, "one of enum oph_dtype", "dtype", (uint32_t)dtype, err);
    if (p.count) count = p.count;
    if (is_text && !p.count) count = TEXT_ROOM;
    if (!count || count > UINT32_MAX)
        return refuse(name, OPH_EINVAL, "room for 1 to 4294967295 elements", "count", count, err);
    *ret = (struct oph__local){.name = name, .type = type_of(dtype, (uint32_t)count)};
    ret->info.dtype = is_text ? OPH_UINT8 : dtype;
    ret->info.count = is_text && count < 2 ? 2 : (uint32_t)count; /* one character is a number */
    ret->info.readable = true;
    ret->info.writable = p.writable != 0;
    return use_properties(name, &p, &ret->info, err);
}

/* The signal */

/* The row of a signal that no class has. */
static const struct oph__row *row_of(const struct oph__local *what)
{
    static const struct oph__row rows[2][OPH__ARRAY + 1] = {
#define ROW(how_, type_)                                                                           \
    [type_] = {.attr = "", .suffix = "", .doc = "", .how = how_, .type = type_, .origin = ""}
        {ROW(OPH__RO, OPH__ANY), ROW(OPH__RO, OPH__INT), ROW(OPH__RO, OPH__FLOAT),
         ROW(OPH__RO, OPH__ENUM), ROW(OPH__RO, OPH__TEXT), ROW(OPH__RO, OPH__ARRAY)},
        {ROW(OPH__RW, OPH__ANY), ROW(OPH__RW, OPH__INT), ROW(OPH__RW, OPH__FLOAT),
         ROW(OPH__RW, OPH__ENUM), ROW(OPH__RW, OPH__TEXT), ROW(OPH__RW, OPH__ARRAY)}
#undef ROW
    };
    return &rows[what->info.writable][what->type];
}

static int make_pv(oph_signal *sig, const struct oph__link_ops *ops, struct oph__link *link,
                   struct oph__pv **ret, oph_error *err)
{
    int rc = oph__pv_new(sig->ctx, sig->path, sig->path, ret, err);
    if (rc) return rc;
    (*ret)->ops = ops;
    (*ret)->link = oph__local_ref(link);
    return 0;
}

/* As oph__signal_free, with the links. */
static void destroy(oph_signal *sig)
{
    struct oph__link *set = sig->set ? sig->set->link : NULL;
    struct oph__link *read = sig->read && sig->read != sig->set ? sig->read->link : NULL;
    oph_context *ctx = sig->ctx;
    oph__signal_free(sig);
    oph__local_unref(set);
    oph__local_unref(read);
    oph_context_free(ctx);
}

static int make(oph_signal *sig, const struct oph__local *what, const struct oph__link_ops *ops,
                struct oph__link *set, struct oph__link *read, oph_error *err)
{
    sig->path = oph__dup(what->name);
    sig->row = row_of(what);
    if (!sig->path) return oph__fail_memory(err, "a signal");
    int rc = make_pv(sig, ops, set, &sig->set, err);
    sig->read = sig->set;
    if (!rc && read != set) rc = make_pv(sig, ops, read, &sig->read, err);
    return rc;
}

int oph__local_signal(oph_context *ctx, const struct oph__local *what,
                      const struct oph__link_ops *ops, struct oph__link *set,
                      struct oph__link *read, oph_signal **ret, oph_error *err)
{
    oph_signal *sig = calloc(1, sizeof *sig);
    int rc = sig ? 0 : oph__fail_memory(err, "a signal");
    if (sig) {
        sig->ctx = oph__context_ref(ctx);
        rc = make(sig, what, ops, set, read, err);
    }
    oph__local_unref(set);
    if (read != set) oph__local_unref(read);
    if (!rc)
        *ret = sig;
    else if (sig)
        destroy(sig);
    return rc;
}

void oph_signal_free(oph_signal *sig)
{
    if (!sig || sig->dev || !oph__is_alive(&sig->ctx->alive)) return;
    oph__groups_end_signal(sig);
    oph__subscriptions_end_signal(sig);
    destroy(sig);
}
