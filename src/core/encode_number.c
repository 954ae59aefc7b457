/* Numbers: nothing is rounded or cut on its way to the channel's type. */
#include "core/encode.h"
#include "base/err.h"
#include "base/str.h"
#include <float.h>
#include <math.h>

int oph__encode_refuse(const struct oph__target *t, int code, const char *wanted, const char *found,
                       oph_error *err)
{
    return oph__fail(err, code, (struct oph__at){.device = t->path, .pv = t->pv},
                     *wanted ? wanted : "\"\"", "%s", found);
}

struct oph__number oph__number_at(const oph_data *d, uint64_t i)
{
    struct oph__number n = {.is = OPH__IS_INT};
    switch (d->dtype) {
    case OPH_INT8: n.i = ((const int8_t *)d->data)[i]; break;
    case OPH_UINT8: n.i = ((const uint8_t *)d->data)[i]; break;
    case OPH_INT16: n.i = ((const int16_t *)d->data)[i]; break;
    case OPH_ENUM:
    case OPH_UINT16: n.i = ((const uint16_t *)d->data)[i]; break;
    case OPH_INT32: n.i = ((const int32_t *)d->data)[i]; break;
    case OPH_UINT32: n.i = ((const uint32_t *)d->data)[i]; break;
    case OPH_INT64: n.i = ((const int64_t *)d->data)[i]; break;
    case OPH_UINT64:
        n.u = ((const uint64_t *)d->data)[i];
        n.i = (int64_t)n.u;
        if (n.u > INT64_MAX) n.is = OPH__IS_UINT;
        break;
    case OPH_FLOAT32:
        n.is = OPH__IS_FLOAT;
        n.f = (double)((const float *)d->data)[i];
        break;
    default:
        n.is = OPH__IS_FLOAT;
        n.f = ((const double *)d->data)[i];
        break;
    }
    return n;
}

static int refuse(const struct oph__number *n, const struct oph__target *t, int code,
                  const char *found, oph_error *err)
{
    char text[40];
    if (n->text) return oph__encode_refuse(t, code, n->text, found, err);
    if (n->is == OPH__IS_INT)
        oph__format(text, sizeof text, "%lld", (long long)n->i);
    else if (n->is == OPH__IS_UINT)
        oph__format(text, sizeof text, "%llu", (unsigned long long)n->u);
    else
        oph__from_double(text, sizeof text, n->f);
    return oph__encode_refuse(t, code, text, found, err);
}

static double as_double(const struct oph__number *n)
{
    return n->is == OPH__IS_FLOAT ? n->f : n->is == OPH__IS_UINT ? (double)n->u : (double)n->i;
}

static int check_limits(const struct oph__number *n, const struct oph__target *t, oph_error *err)
{
    double value = as_double(n), low = t->info->control_low, high = t->info->control_high;
    if (!t->within_limits || !(low < high) || (value >= low && value <= high)) return 0;
    if (isnan(value)) return 0; /* which was asked for */
    char found[96], a[32], b[32];
    oph__format(found, sizeof found, "limits %s to %s", oph__from_double(a, sizeof a, low),
                oph__from_double(b, sizeof b, high));
    return refuse(n, t, OPH_ERANGE, found, err);
}

struct range {
    int64_t low, high;
};

static struct range range_of(int32_t dtype)
{
    switch (dtype) {
    case OPH_INT8: return (struct range){INT8_MIN, INT8_MAX};
    case OPH_UINT8: return (struct range){0, UINT8_MAX};
    case OPH_INT16: return (struct range){INT16_MIN, INT16_MAX};
    case OPH_ENUM:
    case OPH_UINT16: return (struct range){0, UINT16_MAX};
    case OPH_INT32: return (struct range){INT32_MIN, INT32_MAX};
    case OPH_UINT32: return (struct range){0, UINT32_MAX};
    case OPH_UINT64: return (struct range){0, INT64_MAX}; /* and what is OPH__IS_UINT */
    default: return (struct range){INT64_MIN, INT64_MAX};
    }
}

static void store_int(int64_t value, struct oph__wire *w, uint32_t i)
{
    switch (w->dtype) {
    case OPH_INT8:
    case OPH_UINT8: ((uint8_t *)w->data)[i] = (uint8_t)value; break;
    case OPH_INT16:
    case OPH_ENUM:
    case OPH_UINT16: ((uint16_t *)w->data)[i] = (uint16_t)value; break;
    case OPH_INT32:
    case OPH_UINT32: ((uint32_t *)w->data)[i] = (uint32_t)value; break;
    default: ((int64_t *)w->data)[i] = value; break;
    }
}

static int encode_int(const struct oph__number *n, const struct oph__target *t, struct oph__wire *w,
                      uint32_t i, oph_error *err)
{
    const struct range range = range_of(w->dtype);
    if (n->is == OPH__IS_FLOAT && n->f != floor(n->f)) /* NaN too */
        return refuse(n, t, OPH_ETYPE, "a PV that holds whole numbers", err);
    if (n->is == OPH__IS_UINT && w->dtype == OPH_UINT64) {
        ((uint64_t *)w->data)[i] = n->u;
        return 0;
    }
    int64_t value = n->i;
    bool fits = n->is != OPH__IS_UINT;
    if (n->is == OPH__IS_FLOAT) {
        fits = fabs(n->f) < 0x1p53;
        value = fits ? (int64_t)n->f : 0;
    }
    if (!fits || value < range.low || value > range.high) {
        char found[96];
        oph__format(found, sizeof found, "a PV that holds %lld to %lld", (long long)range.low,
                    (long long)range.high);
        return refuse(n, t, OPH_ERANGE, found, err);
    }
    store_int(value, w, i);
    return 0;
}

/* Is the whole number still the same after its way through the floating-point type? */
static bool holds(int32_t dtype, const struct oph__number *n)
{
    double value = as_double(n);
    if (dtype == OPH_FLOAT32) value = (double)(float)value;
    if (n->is == OPH__IS_UINT) return value < 0x1p64 && (uint64_t)value == n->u;
    return value < 0x1p63 && (int64_t)value == n->i;
}

static int encode_float(const struct oph__number *n, const struct oph__target *t,
                        struct oph__wire *w, uint32_t i, oph_error *err)
{
    double value = as_double(n);
    if (n->is != OPH__IS_FLOAT && !holds(w->dtype, n))
        return refuse(n, t, OPH_ERANGE,
                      "a floating-point PV, which cannot hold this integer exactly", err);
    if (!isfinite(value) && !t->nonfinite)
        return refuse(n, t, OPH_ERANGE, "a number that is not finite", err);
    if (w->dtype == OPH_FLOAT32 && isfinite(value) && fabs(value) > (double)FLT_MAX)
        return refuse(n, t, OPH_ERANGE, "a PV of 32-bit floats", err);
    if (w->dtype == OPH_FLOAT32) ((float *)w->data)[i] = (float)value;
    if (w->dtype == OPH_FLOAT64) ((double *)w->data)[i] = value;
    return 0;
}

int oph__encode_number(const struct oph__number *n, const struct oph__target *t,
                       struct oph__wire *w, uint32_t i, oph_error *err)
{
    bool is_float = oph__is_float(w->dtype);
    int rc = is_float ? encode_float(n, t, w, i, err) : encode_int(n, t, w, i, err);
    return rc ? rc : check_limits(n, t, err);
}
