#include "core/value.h"
#include <math.h>
#include <string.h>

static size_t without_separators(const char *text, size_t length)
{
    while (length > 1 && (text[length - 1] == '/' || text[length - 1] == '\\'))
        length--;
    return length;
}

static struct oph_value as_value(const struct oph__wire *w)
{
    return (struct oph_value){.dtype = w->dtype, .count = w->count, .data = w->data};
}

static bool same_text(const struct oph_value *a, const struct oph_value *b, bool is_path)
{
    const char *x, *y;
    size_t n, m;
    oph__value_text(a, &x, &n);
    oph__value_text(b, &y, &m);
    if (is_path) {
        n = without_separators(x, n);
        m = without_separators(y, m);
    }
    return n == m && !memcmp(x, y, n);
}

static bool is_float(int32_t dtype)
{
    return dtype == OPH_FLOAT32 || dtype == OPH_FLOAT64;
}

/* Each number of an array within the precision of the PV it was read from. */
static bool same_numbers(const struct oph_value *a, const struct oph__chan_info *info,
                         const struct oph_value *b)
{
    if (a->count != b->count) return false;
    if (a->count != 1)
        return a->dtype == b->dtype &&
               !memcmp(a->data, b->data, a->count * oph_dtype_size(a->dtype));
    double x, y;
    if (!oph__value_double(a, &x) || !oph__value_double(b, &y)) return false;
    if (x == y || (isnan(x) && isnan(y))) return true;
    if (!is_float(a->dtype) && !is_float(b->dtype)) return false;
    /* A record whose PREC was never set has 0: then only the rounding to 32 bits is allowed. */
    double tolerance = info->precision > 0 ? pow(10.0, -(double)info->precision) : 1e-6 * fabs(y);
    return fabs(x - y) <= tolerance * (1 + 1e-9);
}

bool oph__matches(const struct oph_value *found, const struct oph__chan_info *info,
                  const struct oph__wire *wanted, bool is_path)
{
    struct oph_value want = as_value(wanted);
    bool found_text = found->dtype == OPH_TEXT || found->dtype == OPH_UINT8;
    bool wanted_text = want.dtype == OPH_TEXT ||
                       (want.dtype == OPH_UINT8 && (info->count > 1 || found->dtype == OPH_TEXT));
    if (wanted_text) return found_text && same_text(found, &want, is_path);
    return same_numbers(found, info, &want);
}
