#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <ctype.h>
#include <string.h>
#include <uuid/uuid.h>

static bool is_separator(char c, bool windows)
{
    return c == '/' || (windows && c == '\\');
}

static bool is_absolute(const char *text, bool windows)
{
    if (is_separator(text[0], windows)) return true;
    return windows && isalpha((unsigned char)text[0]) && text[1] == ':' &&
           is_separator(text[2], true);
}

int oph__template_check(const char *device, const char *text, bool windows, oph_error *err)
{
    const struct oph__at at = {.device = device};
    if (!is_absolute(text, windows))
        return oph__fail(err, OPH_EPARSE, at,
                         windows ? "a folder such as C:\\data\\" : "a folder such as /data/",
                         "\"%s\"", text);
    if (!oph__is_clean(text))
        return oph__fail(err, OPH_EPARSE, at, "a folder without control characters", "\"%s\"",
                         text);
    /* Neither flags nor widths, so that no field is much longer than its value. */
    for (const char *c = strchr(text, '%'); c; c = strchr(c + 2, '%')) {
        if (!c[1] || !strchr("aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ%", c[1]))
            return oph__fail(err, OPH_EPARSE, at, "the % fields of strftime", "%.2s in \"%s\"", c,
                             text);
    }
    return 0;
}

bool oph__folder_end(char *folder, size_t size, bool windows)
{
    size_t n = strlen(folder);
    if (n && is_separator(folder[n - 1], windows)) return true;
    if (!n || n + 1 >= size) return false;
    folder[n] = windows && !strchr(folder, '/') ? '\\' : '/';
    folder[n + 1] = 0;
    return true;
}

int oph__template_expand(const char *device, const char *text, const struct tm *when, bool windows,
                         char *dst, size_t size, oph_error *err)
{
    int rc = oph__template_check(device, text, windows, err);
    if (rc) return rc;
        /* strftime says 0 for what does not fit; an absolute path is never empty. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the only one: it was checked */
    size_t n = strftime(dst, size, text, when);
#pragma GCC diagnostic pop
    if (n && oph__folder_end(dst, size, windows)) return 0;
    return oph__fail(err, OPH_ERANGE, (struct oph__at){.device = device}, text,
                     "a path longer than %zu characters", size - 1);
}

static bool same_character(char a, char b, bool windows)
{
    if (!windows) return a == b;
    if (is_separator(a, true) && is_separator(b, true)) return true;
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

bool oph__path_same(const char *a, const char *b, bool windows)
{
    size_t i = 0;
    while (a[i] && same_character(a[i], b[i], windows))
        i++;
    return a[i] == b[i];
}

/* Whether a ".." in it may lead out of its folder. */
static bool climbs(const char *path, bool windows)
{
    for (const char *c = path; *c; c++) {
        bool begins = c == path || is_separator(c[-1], windows);
        if (begins && c[0] == '.' && c[1] == '.' && (!c[2] || is_separator(c[2], windows)))
            return true;
    }
    return false;
}

const char *oph__path_rest(const char *file, const char *folder, bool windows)
{
    size_t i = 0;
    while (folder[i] && same_character(file[i], folder[i], windows))
        i++;
    bool whole = i && (is_separator(folder[i - 1], windows) || is_separator(file[i], windows));
    return folder[i] || !file[i] || !whole || climbs(file + i, windows) ? NULL : file + i;
}

int oph__path_to_local(const char *device, const char *file, const char *write, const char *read,
                       bool windows, char *dst, size_t size, oph_error *err)
{
    const char *rest = oph__path_rest(file, write, windows);
    if (!rest || !oph__is_clean(file))
        return oph__fail(err, OPH_EFILE, (struct oph__at){.device = device}, write,
                         "\"%s\", which is not in that folder", file);
    size_t n = strlen(read);
    if (n + strlen(rest) >= size)
        return oph__fail(err, OPH_ERANGE, (struct oph__at){.device = device}, "a shorter name",
                         "%zu characters, where the buffer holds %zu", n + strlen(rest),
                         size ? size - 1 : 0);
    memcpy(dst, read, n);
    for (; *rest; rest++)
        dst[n++] = is_separator(*rest, windows) ? '/' : *rest;
    dst[n] = 0;
    return 0;
}

void oph__uuid_name(char dst[OPH__UUID_NAME])
{
    uuid_t id;
    char text[37];
    uuid_generate_random(id);
    uuid_unparse_lower(id, text);
    oph__format(dst, OPH__UUID_NAME, "%.*s", OPH__UUID_NAME - 1, text);
}
