/* A journal's text, read. The first thing that is not as written ends it: a journal that somebody
 * edited or a full disk cut is worth nothing as a whole. */
#include "base/err.h"
#include "core/journal_text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *file;
    const char *text, *end; /* of all */
    const char *line_start, *at, *line_end;
    int line;
    int rc; /* of the first mistake; then nothing more is read */
    oph_error *err;
};

static void wrong(struct reader *r, const char *wanted)
{
    if (r->rc) return;
    size_t left = (size_t)(r->line_end - r->at);
    r->rc = oph__fail_text(r->err, OPH_EPARSE, "%s:%d: wanted %s, found \"%.*s\"", r->file, r->line,
                           wanted, (int)(left < 60 ? left : 60), r->at);
}

static void no_memory(struct reader *r)
{
    if (!r->rc) r->rc = oph__fail_memory(r->err, "a journal");
}

static void next_line(struct reader *r)
{
    if (r->rc) return;
    r->line++;
    r->line_start = r->at = r->line_end;
    if (r->line > 1 && r->at < r->end) r->line_start = ++r->at;
    const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
    r->line_end = newline ? newline : r->end;
    if (!newline) wrong(r, "a whole line");
}

/* Passes the blank between two words; false, and it is wrong, where there is none. */
static bool separated(struct reader *r)
{
    if (r->rc) return false;
    if (r->at == r->line_start) return true;
    if (r->at < r->line_end && *r->at == ' ') {
        r->at++;
        return true;
    }
    wrong(r, "another word");
    return false;
}

/* A word without quotes; "" when it is wrong. */
static const char *word(struct reader *r, char *dst, size_t size)
{
    *dst = '\0';
    if (!separated(r)) return dst;
    const char *blank = memchr(r->at, ' ', (size_t)(r->line_end - r->at));
    const char *stop = blank ? blank : r->line_end;
    size_t length = (size_t)(stop - r->at);
    if (length && length < size && !memchr(r->at, '\0', length)) {
        memcpy(dst, r->at, length);
        dst[length] = '\0';
        r->at = stop;
    } else {
        wrong(r, "a word");
    }
    return dst;
}

static void expect(struct reader *r, const char *wanted)
{
    char found[24];
    if (r->rc) return;
    const char *before = r->at;
    if (oph__equal(word(r, found, sizeof found), wanted)) return;
    r->at = before;
    wrong(r, wanted);
}

static void end_of_line(struct reader *r)
{
    if (!r->rc && r->at != r->line_end) wrong(r, "the end of the line");
}

static int64_t integer(struct reader *r, int64_t least, int64_t most)
{
    char text[32];
    int64_t number = 0;
    const char *before = r->at;
    word(r, text, sizeof text);
    if (r->rc) return least;
    if (oph__to_int(text, &number) && number >= least && number <= most) return number;
    r->at = before;
    wrong(r, "a whole number in range");
    return least;
}

static uint64_t whole(struct reader *r, int base)
{
    static const char digits[] = "0123456789abcdef";
    char text[32], *end = text;
    const char *before = r->at;
    word(r, text, sizeof text);
    if (r->rc) return 0;
    errno = 0;
    uint64_t number = strtoull(text, &end, base);
    if (*text && !text[strspn(text, digits)] && !*end && !errno) return number;
    r->at = before;
    wrong(r, "a whole number");
    return 0;
}

static double number(struct reader *r)
{
    char text[48];
    double found = 0;
    const char *before = r->at;
    word(r, text, sizeof text);
    if (r->rc || oph__to_double(text, &found)) return found;
    r->at = before;
    wrong(r, "a number");
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a quoted text, at *at; -1: none that can be there. */
static int character(const char **at, const char *end)
{
    const char *c = *at;
    size_t left = (size_t)(end - c);
    if (!left || (unsigned char)*c < 0x20 || *c == 0x7f) return -1;
    *at = c + 1;
    if (*c != '\\') return (unsigned char)*c;
    if (left >= 2 && (c[1] == '"' || c[1] == '\\')) {
        *at = c + 2;
        return c[1];
    }
    if (left < 4 || c[1] != 'x' || hex_digit(c[2]) < 0 || hex_digit(c[3]) < 0) return -1;
    *at = c + 4;
    return hex_digit(c[2]) * 16 + hex_digit(c[3]);
}

/* Its bytes and a NUL, malloc'ed; NULL when it is wrong. */
static char *quoted_bytes(struct reader *r, size_t *ret_length)
{
    if (!separated(r)) return NULL;
    const char *at = r->at;
    char *text = malloc((size_t)(r->line_end - at) + 1);
    size_t length = 0;
    if (!text) {
        no_memory(r);
        return NULL;
    }
    if (at < r->line_end && *at++ == '"') {
        while (at < r->line_end && *at != '"') {
            int c = character(&at, r->line_end);
            if (c < 0) break;
            text[length++] = (char)c;
        }
        if (at < r->line_end && *at == '"') {
            r->at = at + 1;
            text[length] = '\0';
            *ret_length = length;
            return text;
        }
    }
    wrong(r, "a text in quotes");
    free(text);
    return NULL;
}

static char *quoted(struct reader *r)
{
    size_t length = 0;
    const char *before = r->at;
    char *text = quoted_bytes(r, &length);
    if (!text || strlen(text) == length) return text;
    free(text);
    r->at = before;
    wrong(r, "a text without \\x00");
    return NULL;
}

static void quoted_into(struct reader *r, char *dst, size_t size)
{
    const char *before = r->at;
    char *text = quoted(r);
    if (text && strlen(text) < size) {
        memcpy(dst, text, strlen(text) + 1);
    } else if (text) {
        r->at = before;
        wrong(r, "a shorter text");
    }
    free(text);
}

/* The index of a word among names. */
static int one_of(struct reader *r, const char *const *names, int count)
{
    char found[16];
    const char *before = r->at;
    word(r, found, sizeof found);
    for (int i = 0; !r->rc && i < count; i++)
        if (oph__equal(names[i], found)) return i;
    r->at = before;
    wrong(r, "a word that it can be");
    return 0;
}

/* Values */

static void integer_element(struct reader *r, int32_t dtype, void *data, size_t i)
{
    switch (dtype) {
    case OPH_INT8: ((int8_t *)data)[i] = (int8_t)integer(r, INT8_MIN, INT8_MAX); break;
    case OPH_INT16: ((int16_t *)data)[i] = (int16_t)integer(r, INT16_MIN, INT16_MAX); break;
    case OPH_ENUM:
    case OPH_UINT16: ((uint16_t *)data)[i] = (uint16_t)integer(r, 0, UINT16_MAX); break;
    case OPH_INT32: ((int32_t *)data)[i] = (int32_t)integer(r, INT32_MIN, INT32_MAX); break;
    case OPH_UINT32: ((uint32_t *)data)[i] = (uint32_t)integer(r, 0, UINT32_MAX); break;
    case OPH_INT64: ((int64_t *)data)[i] = integer(r, INT64_MIN, INT64_MAX); break;
    default: ((uint64_t *)data)[i] = whole(r, 10);
    }
}

static void text_element(struct reader *r, char *data, size_t i)
{
    char text[OPH__STRING_BYTES + 1] = "";
    quoted_into(r, text, sizeof text);
    memcpy(data + i * OPH__STRING_BYTES, text, strlen(text));
}

static void element(struct reader *r, int32_t dtype, void *data, size_t i, char **ret_label)
{
    if (dtype == OPH_TEXT) {
        text_element(r, data, i);
    } else if (dtype == OPH_FLOAT64) {
        ((double *)data)[i] = number(r);
    } else if (dtype == OPH_FLOAT32) {
        ((float *)data)[i] = (float)number(r);
    } else {
        integer_element(r, dtype, data, i);
    }
    if (dtype != OPH_ENUM) return;
    char *label = quoted(r);
    if (!ret_label || i) {
        free(label);
        return;
    }
    free(*ret_label);
    *ret_label = label;
}

static void bytes(struct reader *r, void *data, size_t count)
{
    size_t length = 0;
    char *text = quoted_bytes(r, &length);
    if (text && length == count)
        memcpy(data, text, count);
    else
        wrong(r, "a text of that length");
    free(text);
}

static int32_t dtype_named(struct reader *r)
{
    char name[16];
    const char *before = r->at;
    word(r, name, sizeof name);
    for (int32_t dtype = OPH_NONE; !r->rc && dtype <= OPH_ENUM; dtype++)
        if (oph__equal(oph_dtype_name(dtype), name)) return dtype;
    r->at = before;
    wrong(r, "a type of values");
    return OPH_NONE;
}

static void value(struct reader *r, struct oph_value *ret, char **ret_label)
{
    int32_t dtype = dtype_named(r);
    /* Each element takes at least one byte of the line: no count is believed that it has no room
     * for. */
    int64_t most = dtype == OPH_NONE ? 0 : r->line_end - r->at;
    size_t count = (size_t)integer(r, 0, most);
    if (r->rc || dtype == OPH_NONE) return;
    void *data = calloc(count ? count : 1, oph_dtype_size(dtype));
    if (!data) {
        no_memory(r);
        return;
    }
    if (dtype == OPH_UINT8) bytes(r, data, count);
    for (size_t i = 0; !r->rc && dtype != OPH_UINT8 && i < count; i++)
        element(r, dtype, data, i, ret_label);
    const struct oph__event e = {.dtype = dtype, .count = (uint32_t)count, .data = data};
    if (!r->rc && !oph__value_take(ret, &e)) no_memory(r);
    free(data);
}

static void original(struct reader *r, const char *what, struct oph_value *ret, char **ret_label)
{
    expect(r, what);
    value(r, ret, ret_label);
    ret->status = (int16_t)integer(r, 0, INT16_MAX);
    ret->severity = (int16_t)integer(r, 0, INT16_MAX);
}

/* Statements */

static void free_record(struct oph__record *rec)
{
    const char *const texts[] = {rec->device, rec->attr,      rec->busy,
                                 rec->pv,     rec->readback,  rec->server,
                                 rec->text,   rec->set_label, rec->read_label};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free((char *)(uintptr_t)texts[i]);
    for (size_t i = 0; i < rec->later_count; i++)
        oph__value_clear(&rec->later[i]);
    free(rec->later);
    oph__value_clear(&rec->staged);
    oph__value_clear(&rec->set);
    oph__value_clear(&rec->read);
    free(rec);
}

static void flags(struct reader *r, struct oph__record *rec)
{
    char found[8];
    const char *before = r->at;
    word(r, found, sizeof found);
    const char *at = found;
    if (*at == '-' && !at[1]) return;
    if (*at == 'c') rec->counter = *at++ != 0;
    if (*at == 'm') rec->moves = *at++ != 0;
    if (*at == 's') rec->starts = *at++ != 0;
    if (!*at && at != found) return;
    r->at = before;
    wrong(r, "flags of c, m and s, or -");
}

static void later(struct reader *r, struct oph__record *rec)
{
    expect(r, "later");
    /* Each takes at least four bytes of the line. */
    size_t count = (size_t)integer(r, 0, (r->line_end - r->at) / 4);
    if (r->rc || !count) return;
    rec->later = calloc(count, sizeof *rec->later);
    if (!rec->later) {
        no_memory(r);
        return;
    }
    rec->later_count = count;
    for (size_t i = 0; !r->rc && i < count; i++)
        value(r, &rec->later[i], NULL);
}

static void set_line(struct reader *r, struct oph__record *rec)
{
    static const char *const hows[] = {"ro", "rw", "rbv", "path", "start"};
    static const char *const types[] = {"any", "int", "float", "enum", "text", "array"};
    char *labels[2] = {NULL};
    rec->device = quoted(r);
    rec->attr = quoted(r);
    rec->pv = quoted(r);
    rec->readback = quoted(r);
    rec->busy = quoted(r);
    rec->server = quoted(r);
    rec->how = (enum oph__how)one_of(r, hows, sizeof hows / sizeof *hows);
    rec->type = (enum oph__rowtype)one_of(r, types, sizeof types / sizeof *types);
    flags(r, rec);
    rec->slow = number(r);
    rec->text = quoted(r);
    expect(r, "staged");
    value(r, &rec->staged, NULL);
    later(r, rec);
    original(r, "was", &rec->set, &labels[0]);
    original(r, "read", &rec->read, &labels[1]);
    rec->set_label = labels[0];
    rec->read_label = labels[1];
    end_of_line(r);
    bool has_values = rec->staged.data && rec->staged.count && rec->set.data;
    if (!r->rc && (!*rec->pv || !has_values || !(rec->slow >= 0 && isfinite(rec->slow)))) {
        r->at = r->line_start;
        wrong(r, "a PV and its values");
    }
}

static void process(struct reader *r, const char *what, struct oph__process *p)
{
    next_line(r);
    expect(r, what);
    p->pid = integer(r, 0, INT64_MAX);
    p->start = whole(r, 10);
    p->space = whole(r, 10);
    quoted_into(r, p->boot, sizeof p->boot);
    quoted_into(r, p->program, sizeof p->program);
    end_of_line(r);
}

static void device(struct reader *r, struct oph__journal_head *h)
{
    expect(r, "device");
    quoted_into(r, h->device, sizeof h->device);
    quoted_into(r, h->prefix, sizeof h->prefix);
    end_of_line(r);
}

static void head(struct reader *r, struct oph__journal_head *h)
{
    next_line(r);
    expect(r, "cophyd-journal");
    const char *before = r->at;
    if (!r->rc && integer(r, 0, INT32_MAX) != 1) {
        r->at = before;
        wrong(r, "version 1");
    }
    end_of_line(r);
    next_line(r);
    expect(r, "user");
    h->uid = (uint32_t)integer(r, 0, UINT32_MAX);
    end_of_line(r);
    next_line(r);
    expect(r, "host");
    quoted_into(r, h->host, sizeof h->host);
    end_of_line(r);
    process(r, "staged-by", &h->staged_by);
    process(r, "held-by", &h->held_by);
    next_line(r);
    expect(r, "since");
    h->since = integer(r, INT64_MIN, INT64_MAX);
    end_of_line(r);
    next_line(r);
    device(r, h);
    next_line(r);
    expect(r, "server");
    quoted_into(r, h->server, sizeof h->server);
    end_of_line(r);
}

static void end(struct reader *r, size_t count)
{
    uint64_t sum = oph__journal_sum(r->text, (size_t)(r->line_start - r->text));
    const char *before = r->at;
    size_t told = (size_t)integer(r, 0, INT32_MAX);
    bool same = whole(r, 16) == sum;
    end_of_line(r);
    if (r->rc) return;
    r->at = before;
    if (told != count) wrong(r, "the count of the settings before it");
    if (!same) wrong(r, "the checksum of the lines before it");
    if (r->line_end + 1 != r->end) wrong(r, "nothing after the end");
}

/* `set` lines up to the `end`. */
static void settings(struct reader *r, struct oph__vec *records)
{
    for (;;) {
        char first[8];
        next_line(r);
        const char *before = r->at;
        word(r, first, sizeof first);
        if (r->rc) return;
        if (oph__equal(first, "end")) {
            end(r, records->count);
            return;
        }
        if (!oph__equal(first, "set")) {
            r->at = before;
            wrong(r, "a set or an end");
            return;
        }
        struct oph__record *rec = calloc(1, sizeof *rec);
        if (rec) set_line(r, rec);
        if (rec && !r->rc && oph__vec_add(records, rec)) continue;
        if (rec) free_record(rec);
        no_memory(r);
        return;
    }
}

static struct reader reader_of(const char *text, size_t length, const char *file, oph_error *err)
{
    return (struct reader){.file = file,
                           .text = text,
                           .end = text + length,
                           .line_start = text,
                           .at = text,
                           .line_end = text,
                           .err = err};
}

static bool is_device(const struct reader *r)
{
    static const char word[] = "device ";
    size_t length = strlen(word);
    return (size_t)(r->line_end - r->at) > length && memcmp(r->at, word, length) == 0;
}

int oph__journal_parse_device(const char *text, size_t length, struct oph__journal_head *ret)
{
    struct reader r = reader_of(text, length, "", NULL);
    do
        next_line(&r);
    while (!r.rc && !is_device(&r));
    device(&r, ret);
    return r.rc;
}

int oph__journal_parse(const char *text, size_t length, const char *file,
                       struct oph__journal_content *ret, oph_error *err)
{
    struct reader r = reader_of(text, length, file, err);
    *ret = (struct oph__journal_content){0};
    head(&r, &ret->head);
    settings(&r, &ret->records);
    if (r.rc) oph__journal_content_clear(ret);
    return r.rc;
}

void oph__journal_content_clear(struct oph__journal_content *content)
{
    for (size_t i = 0; i < content->records.count; i++)
        free_record(content->records.at[i]);
    oph__vec_free(&content->records);
    *content = (struct oph__journal_content){0};
}
