#include "core/value.h"
#include <math.h>
#include <string.h>

struct oph__alike oph__alike(const struct oph__chan_info *info, enum oph__rowtype type,
                             bool is_path)
{
    return (struct oph__alike){.precision = info->precision,
                               .chars_are_text = info->count > 1 && type != OPH__ARRAY,
                               .is_path = is_path};
}

struct oph__alike oph__alike_whole(struct oph__alike how)
{
    how.whole = true;
    return how;
}

static size_t without_separators(const char *text, size_t length)
{
    while (length > 1 && (text[length - 1] == '/' || text[length - 1] == '\\'))
        length--;
    return length;
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

static bool same_texts(const struct oph_value *a, const struct oph_value *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const char *x = (const char *)a->data + (size_t)i * OPH__STRING_BYTES;
        const char *y = (const char *)b->data + (size_t)i * OPH__STRING_BYTES;
        if (strncmp(x, y, OPH__STRING_BYTES) != 0) return false;
    }
    return true;
}

static bool near(double x, double y, bool exact, const struct oph__alike *how)
{
    if (x == y || (isnan(x) && isnan(y))) return true;
    if (how->whole) return false;
    double tolerance = fmax(how->absolute, how->relative * fabs(y));
    if (!(how->absolute > 0 || how->relative > 0)) {
        if (exact) return false;
        /* A record whose PREC was never set has 0: then only the rounding to 32 bits is allowed. */
        tolerance = how->precision > 0 ? pow(10.0, -(double)how->precision) : 1e-6 * fabs(y);
    }
    return fabs(x - y) <= tolerance * (1 + 1e-9);
}

/* Each number of an array within the tolerance. */
static bool same_numbers(const struct oph_value *a, const struct oph_value *b,
                         const struct oph__alike *how)
{
    bool exact = !oph__is_float(a->dtype) && !oph__is_float(b->dtype);
    bool single = how->whole && (a->dtype == OPH_FLOAT32 || b->dtype == OPH_FLOAT32);
    if (a->count != b->count) return false;
    if (exact && a->dtype == b->dtype && !(how->absolute > 0 || how->relative > 0))
        return a->count && !memcmp(a->data, b->data, a->count * oph_dtype_size(a->dtype));
    for (uint32_t i = 0; i < a->count; i++) {
        double x, y;
        if (!oph__value_double_at(a, i, &x) || !oph__value_double_at(b, i, &y)) return false;
        if (single) x = (float)x, y = (float)y;
        if (!near(x, y, exact, how)) return false;
    }
    return a->count > 0;
}

bool oph__matches(const struct oph_value *found, const struct oph__wire *wanted,
                  const struct oph__alike *how)
{
    const struct oph_value want = oph__wire_value(wanted);
    bool found_text = found->dtype == OPH_TEXT || found->dtype == OPH_UINT8;
    bool wanted_text =
        want.dtype == OPH_TEXT ||
        (want.dtype == OPH_UINT8 && (how->chars_are_text || found->dtype == OPH_TEXT));
    if (!wanted_text) return same_numbers(found, &want, how);
    if (found->dtype == OPH_TEXT && want.dtype == OPH_TEXT && want.count > 1)
        return same_texts(found, &want);
    return found_text && same_text(found, &want, how->is_path);
}
