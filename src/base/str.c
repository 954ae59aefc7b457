#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char cut_mark[] = "[cut]";

/* Ends the text of a full buffer in the mark, without splitting a UTF-8 character before it. */
static void mark_cut(char *dst, size_t size)
{
    size_t mark = sizeof cut_mark - 1;
    size_t end = size - 1 > mark ? size - 1 - mark : 0;

    while (end > 0 && ((unsigned char)dst[end] & 0xC0) == 0x80)
        end--;
    snprintf(dst + end, size - end, "%s", cut_mark);
}

char *oph__copy(char *dst, size_t size, const char *src)
{
    size_t len = strnlen(src, size);

    if (len < size) {
        memmove(dst, src, len + 1);
    } else if (size > 0) {
        memmove(dst, src, size);
        mark_cut(dst, size);
    }
    return dst;
}

/* vsnprintf with numbers as in the C locale, as all that formats here. */
__attribute__((format(printf, 3, 0))) static int format_in_c(char *dst, size_t size,
                                                             const char *format, va_list args)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c ? uselocale(c) : (locale_t)0;
    int len = vsnprintf(dst, size, format, args);

    if (c) {
        uselocale(before);
        freelocale(c);
    }
    return len;
}

char *oph__vcut(char *dst, size_t size, const char *format, va_list args)
{
    int len = format_in_c(dst, size, format, args);

    if (len < 0)
        oph__copy(dst, size, "[unprintable]");
    else if (size > 0 && (size_t)len >= size)
        mark_cut(dst, size);
    return dst;
}

char *oph__format(char *dst, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    oph__vcut(dst, size, format, args);
    va_end(args);
    return dst;
}

size_t oph__utf8_length(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t len = *p < 0x80 ? 1 : *p < 0xC2 ? 0 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : *p < 0xF5 ? 4 : 0;

    if (len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    if ((*p == 0xE0 && p[1] < 0xA0) || (*p == 0xED && p[1] >= 0xA0) ||
        (*p == 0xF0 && p[1] < 0x90) || (*p == 0xF4 && p[1] >= 0x90))
        return 0;
    return len;
}

/* Of a character of that many bytes, 0 for a byte that is no UTF-8. */
static bool is_obeyed(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;

    if (length == 0) return *p < 0xA0; /* C1, as a terminal without UTF-8 takes it */
    if (length == 1) return *p < 0x20 || *p == 0x7F;
    if (length == 2) return *p == 0xC2 && p[1] < 0xA0;
    if (length == 4 || p[0] != 0xE2) return false;
    if (p[1] == 0x80) /* U+200E, U+200F; U+2028 to U+202E */
        return p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE);
    return p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9; /* U+2066 to U+2069 */
}

/* Where the first such character from `at` on is, and its bytes; the end of the text for none. */
static size_t find_obeyed(const char *text, size_t at, size_t *ret_bytes)
{
    for (size_t size = strlen(text), length; at < size; at += length ? length : 1) {
        length = oph__utf8_length(text + at, size - at);
        *ret_bytes = length ? length : 1;
        if (is_obeyed(text + at, length)) break;
    }
    return at;
}

char *oph__clean(char *text)
{
    size_t bytes;

    for (size_t at = 0; text[at = find_obeyed(text, at, &bytes)]; at += bytes)
        memset(text + at, ' ', bytes);
    return text;
}

bool oph__is_clean(const char *text)
{
    size_t bytes;

    return !text[find_obeyed(text, 0, &bytes)];
}

char *oph__dup(const char *src)
{
    return oph__dup_n(src, strlen(src));
}

char *oph__dup_n(const char *src, size_t n)
{
    char *copy = malloc(n + 1);

    if (copy) {
        if (n) memcpy(copy, src, n);
        copy[n] = '\0';
    }
    return copy;
}

char *oph__dupf(const char *format, ...)
{
    va_list args, again;
    char *copy = NULL;

    va_start(args, format);
    va_copy(again, args);
    int len = format_in_c(NULL, 0, format, args);
    if (len >= 0 && (copy = malloc((size_t)len + 1)))
        format_in_c(copy, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return copy;
}

bool oph__equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool oph__starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool oph__ends(const char *text, const char *suffix)
{
    size_t len = strlen(text), n = strlen(suffix);

    return len >= n && strcmp(text + len - n, suffix) == 0;
}

/* strtoll and strtod skip white space first; one number is all that we take. */
static bool begins_as_space(const char *text)
{
    return *text == '\0' || strchr(" \t\n\v\f\r", *text);
}

bool oph__to_int(const char *text, int64_t *ret)
{
    char *end;

    if (begins_as_space(text)) return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno) return false;
    *ret = value;
    return true;
}

bool oph__to_double(const char *text, double *ret)
{
    char *end;

    if (begins_as_space(text)) return false;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return false;
    errno = 0;
    double value = strtod_l(text, &end, c);
    bool overflow = errno == ERANGE && isinf(value);
    freelocale(c);
    if (end == text || *end || overflow) return false;
    *ret = value;
    return true;
}

char *oph__from_double(char *dst, size_t size, double value)
{
    double back = 0;

    if (isnan(value)) return oph__copy(dst, size, "nan");
    for (int digits = 15; digits <= 17; digits++) {
        oph__format(dst, size, "%.*g", digits, value);
        if (oph__to_double(dst, &back) && back == value) break;
    }
    return dst;
}

static bool make_room(struct oph__buf *buf, size_t more)
{
    size_t need = buf->len + more + 1;

    if (!buf->failed && need > buf->room) {
        size_t room = buf->room ? buf->room : 64;
        while (room < need)
            room *= 2;
        char *text = realloc(buf->text, room);
        if (text) {
            buf->text = text;
            buf->room = room;
        } else {
            buf->failed = true;
        }
    }
    return !buf->failed;
}

void oph__buf_add(struct oph__buf *buf, const char *text)
{
    oph__buf_add_n(buf, text, strlen(text));
}

void oph__buf_add_n(struct oph__buf *buf, const char *text, size_t n)
{
    if (!make_room(buf, n)) return;
    if (n) memcpy(buf->text + buf->len, text, n);
    buf->len += n;
    buf->text[buf->len] = '\0';
}

void oph__buf_addf(struct oph__buf *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = format_in_c(NULL, 0, format, args);
    if (len < 0)
        buf->failed = true;
    else if (make_room(buf, (size_t)len))
        buf->len += (size_t)format_in_c(buf->text + buf->len, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
}

void oph__buf_free(struct oph__buf *buf)
{
    free(buf->text);
    *buf = (struct oph__buf){0};
}
