#include "core/options.h"
#include "base/err.h"
#include "core/data.h"
#include <string.h>

static int refuse(const oph_signal *sig, const char *wanted, const char *what, double found,
                  oph_error *err)
{
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = sig->path}, wanted, "%s %g", what,
                     found);
}

int oph__check_part(const oph_signal *sig, int32_t part, oph_error *err)
{
    if (part == OPH_PART_READBACK || part == OPH_PART_SETPOINT) return 0;
    return refuse(sig, "one of enum oph_part", "part", part, err);
}

static int check_size(const oph_signal *sig, const char *what, uint32_t size, oph_error *err)
{
    return size >= sizeof size ? 0 : refuse(sig, "the size of the struct", what, size, err);
}

/* Seconds, or a tolerance: NaN is no such thing either. */
static int check_amount(const oph_signal *sig, const char *what, double value, oph_error *err)
{
    return value >= 0 ? 0 : refuse(sig, "zero or more", what, value, err);
}

#define TAKE(ret, given)                                                                           \
    memcpy((ret), (given), (given)->size < sizeof *(ret) ? (given)->size : sizeof *(ret))

int oph__read_options(const oph_signal *sig, const oph_read_options *opt, oph_read_options *o,
                      oph_error *err)
{
    *o = (oph_read_options){0};
    if (!opt) return 0;
    int rc = check_size(sig, "size of oph_read_options", opt->size, err);
    if (rc) return rc;
    TAKE(o, opt);
    rc = oph__check_part(sig, o->part, err);
    if (!rc) rc = check_amount(sig, "timeout", o->timeout, err);
    if (rc) return rc;
    if (o->source != OPH_SOURCE_IOC && o->source != OPH_SOURCE_CACHE)
        return refuse(sig, "one of enum oph_source", "source", o->source, err);
    if (o->dtype < OPH_NONE || o->dtype > OPH_ENUM)
        return refuse(sig, "a type that a value can have", "dtype", o->dtype, err);
    if (o->source == OPH_SOURCE_CACHE && o->dtype)
        return refuse(sig, "the PV's own type from the cache", "dtype", o->dtype, err);
    return 0;
}

int oph__condition(const oph_signal *sig, const oph_condition *until, oph_condition *c,
                   oph_error *err)
{
    *c = (oph_condition){0};
    if (!until)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = sig->path}, "a condition",
                         "NULL");
    int rc = check_size(sig, "size of oph_condition", until->size, err);
    if (rc) return rc;
    TAKE(c, until);
    rc = oph__check_part(sig, c->part, err);
    if (!rc && c->equals) rc = oph__data_check(c->equals, sig->path, err);
    if (!rc) rc = check_amount(sig, "absolute", c->absolute, err);
    if (!rc) rc = check_amount(sig, "relative", c->relative, err);
    if (!rc) rc = check_amount(sig, "stable", c->stable, err);
    return rc;
}

int oph__put_options(const oph_signal *sig, const oph_put_options *opt, oph_put_options *o,
                     oph_error *err)
{
    enum { ALL_FLAGS = OPH_PUT_CHECK_LIMITS | OPH_PUT_NONFINITE };
    *o = (oph_put_options){0};
    if (!opt) return 0;
    int rc = check_size(sig, "size of oph_put_options", opt->size, err);
    if (rc) return rc;
    TAKE(o, opt);
    if (o->policy < OPH_PUT_VERIFY || o->policy > OPH_PUT_AWAIT)
        return refuse(sig, "one of enum oph_policy", "policy", o->policy, err);
    if (o->flags & ~(uint32_t)ALL_FLAGS)
        return refuse(sig, "flags of enum oph_put_flags", "flags", o->flags, err);
    const struct {
        const char *what;
        double value;
    } amounts[] = {{"timeout", o->timeout},
                   {"patience", o->patience},
                   {"absolute", o->absolute},
                   {"relative", o->relative},
                   {"settle", o->settle}};
    for (size_t i = 0; !rc && i < sizeof amounts / sizeof amounts[0]; i++)
        rc = check_amount(sig, amounts[i].what, amounts[i].value, err);
    return rc;
}
