/* A journal's text, written. Numbers are made by hand where printf would cost more than the file.
 */
#include "core/journal_text.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *const hows[] = {"ro", "rw", "rbv", "path", "start", "gone"};
static const char *const types[] = {"any", "int", "float", "enum", "text", "array"};

uint64_t oph__journal_sum(const char *text, size_t length)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3u;
    return sum;
}

static void add_unsigned(struct oph__buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    oph__buf_add_n(buf, &digits[at], sizeof digits - at);
}

static void add_signed(struct oph__buf *buf, int64_t number)
{
    if (number < 0) oph__buf_add_n(buf, "-", 1);
    add_unsigned(buf, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* 17 digits at most, which read back as the same number. */
static void add_double(struct oph__buf *buf, double number)
{
    char text[40];
    if (number > -1e15 && number < 1e15 && number == (double)(int64_t)number &&
        !(number == 0 && signbit(number)))
        add_signed(buf, (int64_t)number);
    else
        oph__buf_add(buf, oph__from_double(text, sizeof text, number));
}

static void add_quoted(struct oph__buf *buf, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    size_t done = 0;
    oph__buf_add_n(buf, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool bare = c == '"' || c == '\\';
        if (!bare && c >= 0x20 && c != 0x7f) continue;
        const char escaped[] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
        const char escaped_bare[] = {'\\', (char)c};
        oph__buf_add_n(buf, text + done, i - done);
        oph__buf_add_n(buf, bare ? escaped_bare : escaped, bare ? 2 : 4);
        done = i + 1;
    }
    oph__buf_add_n(buf, text + done, length - done);
    oph__buf_add_n(buf, "\"", 1);
}

/* The next word of a line. */
static void blank(struct oph__buf *buf)
{
    oph__buf_add_n(buf, " ", 1);
}

static void add_text(struct oph__buf *buf, const char *text)
{
    blank(buf);
    add_quoted(buf, text, strlen(text));
}

static void add_element(struct oph__buf *buf, const struct oph_value *v, uint32_t i,
                        const struct oph__chan_info *info, const char *label)
{
    double number = 0;
    blank(buf);
    switch (v->dtype) {
    case OPH_INT64: add_signed(buf, ((const int64_t *)v->data)[i]); return;
    case OPH_UINT64: add_unsigned(buf, ((const uint64_t *)v->data)[i]); return;
    case OPH_ENUM: {
        unsigned index = ((const uint16_t *)v->data)[i];
        if (info && index < info->label_count) label = info->labels[index];
        add_unsigned(buf, index);
        add_text(buf, label);
        return;
    }
    case OPH_TEXT: {
        const char *text = (const char *)v->data + (size_t)i * OPH__STRING_BYTES;
        add_quoted(buf, text, strnlen(text, OPH__STRING_BYTES));
        return;
    }
    default: oph__value_double_at(v, i, &number); add_double(buf, number);
    }
}

static void add_value(struct oph__buf *buf, const struct oph_value *v,
                      const struct oph__chan_info *info, const char *label)
{
    bool known = v->data && oph_dtype_size(v->dtype);
    uint32_t count = known ? v->count : 0;
    blank(buf);
    oph__buf_add(buf, known ? oph_dtype_name(v->dtype) : "none");
    blank(buf);
    add_unsigned(buf, count);
    if (known && v->dtype == OPH_UINT8) {
        blank(buf);
        add_quoted(buf, v->data, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        add_element(buf, v, i, info, i || !label ? "" : label);
}

static void add_original(struct oph__buf *buf, const char *what, const struct oph_value *v,
                         const struct oph__chan_info *info, const char *label)
{
    blank(buf);
    oph__buf_add(buf, what);
    add_value(buf, v, info, label);
    blank(buf);
    add_signed(buf, v->status);
    blank(buf);
    add_signed(buf, v->severity);
}

static void add_process(struct oph__buf *buf, const char *what, const struct oph__process *p)
{
    oph__buf_addf(buf, "%s %" PRId64 " %" PRIu64 " %" PRIu64, what, p->pid, p->start, p->space);
    add_text(buf, p->boot);
    add_text(buf, p->program);
    oph__buf_add(buf, "\n");
}

void oph__journal_text_begin(struct oph__buf *buf, const struct oph__journal_head *head)
{
    oph__buf_addf(buf, "cophyd-journal 1\nuser %" PRIu32 "\nhost", head->uid);
    add_text(buf, head->host);
    oph__buf_add(buf, "\n");
    add_process(buf, "staged-by", &head->staged_by);
    add_process(buf, "held-by", &head->held_by);
    oph__buf_addf(buf, "since %" PRId64 "\ndevice", head->since);
    add_text(buf, head->device);
    add_text(buf, head->prefix);
    oph__buf_add(buf, "\nserver");
    add_text(buf, head->server);
    oph__buf_add(buf, "\n");
}

void oph__journal_text_add(struct oph__buf *buf, const struct oph__record *r)
{
    oph__buf_add(buf, "set");
    add_text(buf, r->device);
    add_text(buf, r->attr);
    add_text(buf, r->pv);
    add_text(buf, r->readback);
    add_text(buf, r->busy);
    add_text(buf, r->server);
    blank(buf);
    oph__buf_add(buf, hows[r->how]);
    blank(buf);
    oph__buf_add(buf, types[r->type]);
    blank(buf);
    if (r->counter) oph__buf_add(buf, "c");
    if (r->moves) oph__buf_add(buf, "m");
    if (r->starts) oph__buf_add(buf, "s");
    if (!r->counter && !r->moves && !r->starts) oph__buf_add(buf, "-");
    blank(buf);
    add_double(buf, r->slow);
    add_text(buf, r->text);
    oph__buf_add(buf, " staged");
    add_value(buf, &r->staged, r->info, NULL);
    oph__buf_add(buf, " later ");
    add_unsigned(buf, r->later_count);
    for (size_t i = 0; i < r->later_count; i++)
        add_value(buf, &r->later[i], r->info, NULL);
    add_original(buf, "was", &r->set, r->info, r->set_label);
    add_original(buf, "read", &r->read, r->info, r->read_label);
    oph__buf_add(buf, "\n");
}

void oph__journal_text_end(struct oph__buf *buf, size_t count)
{
    uint64_t sum = buf->text ? oph__journal_sum(buf->text, buf->len) : 0;
    oph__buf_addf(buf, "end %zu %016" PRIx64 "\n", count, sum);
}
