/* Path templates, the way from the IOC's name of a file to ours, and FileTemplate, beside the C
 * library's printf and a mapping that does one thing after the other. */
#include "ad/full_name.h"
#include "ad/template.h"
#include "base/str.h"
#include "fuzz/fuzz.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 600 };

/* Windows: one kind of separator and of letters. */
static char *plain(const char *path, bool windows, bool letters)
{
    char *copy = strdup(path);

    fuzz_claim(copy != NULL, "there is memory");
    for (char *c = copy; windows && *c; c++) {
        if (*c == '\\') *c = '/';
        if (letters) *c = (char)tolower((unsigned char)*c);
    }
    return copy;
}

static bool has_dots(const char *path)
{
    for (const char *at = path;; at++) {
        size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.') return true;
        at += length;
        if (!*at) return false;
    }
}

/* What oph__path_to_local should make of it; false: nothing. */
static bool map(const char *file, const char *write, const char *read, bool windows, char *ret)
{
    char *whole = plain(file, windows, true), *folder = plain(write, windows, true);
    char *kept = plain(file, windows, false);
    size_t length = strlen(folder);
    const char *rest = NULL;

    if (length && strncmp(whole, folder, length) == 0 && whole[length] &&
        (folder[length - 1] == '/' || whole[length] == '/'))
        rest = kept + length;
    bool good =
        rest && !has_dots(rest) && oph__is_clean(file) && strlen(read) + strlen(rest) < ROOM;
    if (good) snprintf(ret, ROOM, "%s%s", read, rest);
    free(kept);
    free(folder);
    free(whole);
    return good;
}

static void fuzz_mapping(const char *file, const char *write, const char *read, bool windows)
{
    char *found = malloc(ROOM), wanted[ROOM] = "";
    oph_error err = OPH_ERROR_INIT;

    fuzz_claim(found != NULL, "there is memory");
    bool ok = oph__path_to_local("det", file, write, read, windows, found, ROOM, &err) == 0;
    fuzz_claim(ok == map(file, write, read, windows, wanted), "\"%s\" in \"%s\": %s", file, write,
               ok ? found : err.text);
    fuzz_claim(!ok || strcmp(found, wanted) == 0, "\"%s\" is \"%s\"", found, wanted);
    char *one = plain(file, windows, true), *other = plain(write, windows, true);
    fuzz_claim(oph__path_same(file, write, windows) == (strcmp(one, other) == 0),
               "\"%s\" and \"%s\" are one file or not", file, write);
    free(other);
    free(one);
    free(found);
}

static void fuzz_template(const char *text, bool windows, size_t room)
{
    const struct tm when = {.tm_year = 126, .tm_mon = 10, .tm_mday = 26, .tm_wday = 4};
    char *path = malloc(room);
    oph_error err = OPH_ERROR_INIT;

    fuzz_claim(path != NULL, "there is memory");
    if (oph__template_expand("det", text, &when, windows, path, room, &err) == 0) {
        size_t length = strlen(path);
        fuzz_claim(length < room && oph__template_check("det", text, windows, NULL) == 0,
                   "what is expanded is a template: %s", path);
        fuzz_claim(path[length - 1] == '/' || (windows && path[length - 1] == '\\'),
                   "\"%s\" ends in a separator", path);
    } else {
        fuzz_claim(*err.text, "an error has a sentence");
    }
    free(path);
}

/* Formats are what is tested here. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void fuzz_name(const char *format, int32_t number)
{
    char *found = malloc(ROOM), wanted[ROOM];

    fuzz_claim(found != NULL, "there is memory");
    if (oph__full_name(format, "/data/", "scan", number, found, ROOM)) {
        /* It has no fields but these, in this order. */
        snprintf(wanted, sizeof wanted, format, "/data/", "scan", number);
        fuzz_claim(strcmp(found, wanted) == 0, "\"%s\" of %d: \"%s\" is \"%s\"", format, number,
                   found, wanted);
    } else {
        fuzz_claim(!*found && !oph__full_name_counts(format), "\"%s\" has no name", format);
    }
    free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    bool windows = fuzz_number(&in, 1) & 1;
    int32_t number = (int32_t)fuzz_number(&in, 4);
    size_t room = 1 + fuzz_below(&in, 256);
    char *first = fuzz_line(&in), *second = fuzz_line(&in), *third = fuzz_line(&in);

    fuzz_mapping(first, second, third, windows);
    fuzz_template(first, windows, room);
    fuzz_name(first, number);
    free(third);
    free(second);
    free(first);
    return 0;
}
