#include "ad/full_name.h"
#include "base/str.h"
#include <string.h>

enum { WIDEST = 64 }; /* of a number */

struct out {
    char *dst;
    size_t size, used;
    bool full;
};

static void add(struct out *o, const char *text, size_t n)
{
    if (o->full || n >= o->size - o->used) {
        o->full = true;
        return;
    }
    memcpy(o->dst + o->used, text, n);
    o->used += n;
}

static void fill(struct out *o, char c, int n)
{
    while (n-- > 0)
        add(o, &c, 1);
}

/* One %d as the format writes it. */
struct spec {
    bool left, zeros, plus, blank;
    int width, precision; /* -1: none */
};

/* At most WIDEST; -1 for more. */
static int take_digits(const char **at)
{
    int n = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (n >= 0) n = 10 * n + (**at - '0') > WIDEST ? -1 : 10 * n + (**at - '0');
    return n;
}

/* `at` stands behind the %; moves it behind the letter. */
static bool read_spec(const char **at, struct spec *ret)
{
    struct spec s = {.precision = -1};
    for (;; (*at)++) {
        if (**at == '-')
            s.left = true;
        else if (**at == '0')
            s.zeros = true;
        else if (**at == '+')
            s.plus = true;
        else if (**at == ' ')
            s.blank = true;
        else
            break;
    }
    s.width = take_digits(at);
    if (**at == '.') {
        (*at)++;
        s.precision = take_digits(at);
        if (s.precision < 0) return false;
    }
    *ret = s;
    bool letter = **at == 'd' || **at == 'i';
    if (letter) (*at)++;
    return letter && s.width >= 0;
}

static void add_number(struct out *o, const struct spec *s, int64_t number)
{
    char digits[24];
    oph__format(digits, sizeof digits, "%lld", (long long)number);
    const char *from = digits + (number < 0);
    char sign = number < 0 ? '-' : s->plus ? '+' : s->blank ? ' ' : 0;
    int n = number == 0 && s->precision == 0 ? 0 : (int)strlen(from);
    int zeros = s->precision > n ? s->precision - n : 0;
    int blanks = s->width - n - zeros - (sign != 0);
    if (s->zeros && !s->left && s->precision < 0 && blanks > 0) {
        zeros = blanks;
        blanks = 0;
    }
    if (!s->left) fill(o, ' ', blanks);
    if (sign) add(o, &sign, 1);
    fill(o, '0', zeros);
    add(o, from, (size_t)n);
    if (s->left) fill(o, ' ', blanks);
}

/* Reads the conversion behind a %, which is number `which` of them, and adds what it becomes. */
static bool convert(struct out *o, const char **at, int which, const char *const *texts,
                    int64_t number)
{
    struct spec spec;
    if (which < 2 && **at == 's') {
        add(o, texts[which], strlen(texts[which]));
        (*at)++;
        return true;
    }
    if (which != 2 || !read_spec(at, &spec)) return false;
    add_number(o, &spec, number);
    return true;
}

bool oph__full_name(const char *format, const char *folder, const char *name, int64_t number,
                    char *dst, size_t size)
{
    const char *const texts[] = {folder, name};
    struct out o = {.dst = dst, .size = size};
    bool understood = size > 0;
    int which = 0;
    for (const char *at = format; understood && *at;) {
        if (*at != '%') {
            add(&o, at++, 1);
        } else if (at[1] == '%') {
            add(&o, at, 1);
            at += 2;
        } else {
            at++;
            understood = convert(&o, &at, which++, texts, number);
        }
    }
    bool good = understood && !o.full;
    if (size) dst[good ? o.used : 0] = 0;
    return good;
}

bool oph__full_name_counts(const char *format)
{
    char one[512], two[512]; /* FileTemplate holds 256 */
    return oph__full_name(format, "", "", 1, one, sizeof one) &&
           oph__full_name(format, "", "", 2, two, sizeof two) && !oph__equal(one, two);
}
