/* Documents in JSON. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* jansson writes numbers with 17 digits. Each is made as short as reads back the same, in place. */
static size_t shorten_one(const char *number, size_t length, char *to)
{
    char copy[40], shorter[40];
    if (!memchr(number, '.', length) || length >= sizeof copy) {
        memmove(to, number, length);
        return length;
    }
    memcpy(copy, number, length);
    copy[length] = 0;
    double value = strtod(copy, NULL);
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(shorter, sizeof shorter, "%.*g", digits, value);
        if (strtod(shorter, NULL) == value) break;
    }
    if (!strpbrk(shorter, ".e")) n += snprintf(shorter + n, sizeof shorter - (size_t)n, ".0");
    if ((size_t)n < length) {
        memcpy(to, shorter, (size_t)n);
        return (size_t)n;
    }
    memmove(to, number, length);
    return length;
}

static void shorten(char *text)
{
    char *to = text;
    bool quoted = false;
    for (const char *from = text; *from;) {
        size_t length = quoted ? 0 : strspn(from, "-+.0123456789");
        if (length) {
            length = strspn(from, "-+.eE0123456789");
            to += shorten_one(from, length, to);
            from += length;
        } else {
            if (*from == '"') quoted = !quoted;
            if (quoted && *from == '\\') *to++ = *from++;
            *to++ = *from++;
        }
    }
    *to = 0;
}

/* JSON escapes control characters; those above 127 only where all that is no ASCII is escaped,
 * which is done where there are any. */
static char *dump(json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT), *clean = text ? strdup(text) : NULL;
    if (!clean || strcmp(oph_text_clean(clean), text) != 0) {
        free(text);
        text = json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII);
    }
    free(clean);
    return text;
}

int cli_json(struct cli *cli, json_t *document)
{
    char *text = document ? dump(document) : NULL;
    json_decref(document);
    if (!text) return cli_no_memory();
    shorten(text);
    cli_print_raw(cli, text);
    cli_print_raw(cli, "\n");
    free(text);
    return cli_flush(cli);
}

/* Latin-1 as UTF-8, in which it may take twice the room. */
static json_t *json_latin1(const char *text)
{
    char *utf8 = malloc(2 * strlen(text) + 1), *to = utf8;
    if (!utf8) return NULL;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c >= 0x80) *to++ = (char)(0xC0 | *c >> 6);
        *to++ = (char)(*c >= 0x80 ? 0x80 | (*c & 0x3F) : *c);
    }
    *to = 0;
    json_t *json = json_string(utf8);
    free(utf8);
    return json;
}

json_t *cli_json_text(const char *text)
{
    json_t *json = json_string(text);
    return json ? json : json_latin1(text);
}

json_t *cli_json_double(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cli_json_error(const oph_error *err)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "code", oph_code_name(err->code), "device",
                     cli_json_text(err->device), "pv", cli_json_text(err->pv), "wanted",
                     cli_json_text(err->wanted), "found", cli_json_text(err->found), "text",
                     cli_json_text(err->text));
}

json_t *cli_json_report(const oph_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < oph_report_count(report); i++)
        if (json_array_append_new(list, cli_json_error(oph_report_at(report, i)))) {
            json_decref(list);
            return NULL;
        }
    return list;
}
