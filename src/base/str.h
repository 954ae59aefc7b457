/* Strings: bounded copies, a growing buffer, numbers as in the C locale. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies into dst[size]; what does not fit is cut and ends in "[cut]". Returns dst. */
char *oph__copy(char *dst, size_t size, const char *src);
char *oph__format(char *dst, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
char *oph__vcut(char *dst, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* Bytes of the UTF-8 character at `text`, of n that are there; 0 when it is none. Overlong forms,
 * surrogates and what is above U+10FFFF are none. */
size_t oph__utf8_length(const char *text, size_t n);
/* Makes one visible line of it, whoever wrote it: what a terminal would obey becomes spaces. That
 * is control characters, also those above 127 as UTF-8 or as single bytes, and what breaks a line
 * or turns the direction of what follows. Other bytes that are no UTF-8 stay. Returns text. */
char *oph__clean(char *text);
bool oph__is_clean(const char *text); /* whether that changes nothing */

/* malloc'ed; NULL when memory is short. */
char *oph__dup(const char *src);
char *oph__dup_n(const char *src, size_t n);
char *oph__dupf(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool oph__equal(const char *a, const char *b); /* NULL equals NULL */
bool oph__starts(const char *text, const char *prefix);
bool oph__ends(const char *text, const char *suffix);

/* Whole-string conversions in the C locale whatever the program's; false when text is anything else
 * than one number in range. */
bool oph__to_int(const char *text, int64_t *ret);
bool oph__to_double(const char *text, double *ret);
/* The shortest text that reads back as the same double: 0.1, 1e-09, nan, inf. */
char *oph__from_double(char *dst, size_t size, double value);

/* A growing text. Zero-initialise; free with oph__buf_free. After a failed allocation `failed` is
 * set and later calls do nothing, so that one check at the end is enough. */
struct oph__buf {
    char *text; /* NUL-terminated once anything was added; NULL before */
    size_t len;
    size_t room;
    bool failed;
};
void oph__buf_add(struct oph__buf *buf, const char *text);
void oph__buf_add_n(struct oph__buf *buf, const char *text, size_t n);
void oph__buf_addf(struct oph__buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void oph__buf_free(struct oph__buf *buf);

#endif
