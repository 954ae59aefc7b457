/* core/journal_text: what is written is read back exactly, and nothing else is read at all. */
#include "core/journal_text.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT                                                                                     \
    {                                                                                              \
        .pid = 4711, .start = 18446744073709551615u, .space = 4026531836, .boot = "4f1c-22",       \
        .program = "odd \"(name)"                                                                  \
    }
#define RECOVERER                                                                                  \
    {                                                                                              \
        .pid = 1, .start = 2, .space = 3                                                           \
    }
static const struct oph__process client = CLIENT, recoverer = RECOVERER;

static const struct oph__journal_head head = {.uid = 4294967295u,
                                              .host = "bl7",
                                              .staged_by = CLIENT,
                                              .held_by = RECOVERER,
                                              .since = -5,
                                              .device = "det\\\t\x7f\"é",
                                              .prefix = "Pilatus:",
                                              .server = "127.0.0.1:5064"};

static const struct oph__chan_info info = {.label_count = 3,
                                           .labels = {"Single", "Multiple", "Very \"odd\" one"}};

/* Values of every kind. */
static const int8_t int8s[] = {INT8_MIN, 0, INT8_MAX};
static const unsigned char bytes[] = {'a', 0, '"', '\\', '\n', 0xff, 0x7f, ' '};
static const int16_t int16s[] = {INT16_MIN, INT16_MAX};
static const uint16_t uint16s[] = {0, UINT16_MAX};
static const int32_t int32s[] = {INT32_MIN, -1, INT32_MAX};
static const uint32_t uint32s[] = {0, UINT32_MAX};
static const int64_t int64s[] = {INT64_MIN, INT64_MAX};
static const uint64_t uint64s[] = {0, UINT64_MAX};
static const float float32s[] = {0.1f, -0.0f, INFINITY, NAN, 1e-45f, 3.4028235e38f};
static const double float64s[] = {
    0.1, 1.0 / 3, -0.0, 0, -INFINITY, NAN, 5e-324, 1.7976931348623157e308, 1e15, 123456789, 0x1p53};
static const char texts[][OPH__STRING_BYTES] = {"plain", "", "a \"b\" \\ \x01",
                                                "0123456789012345678901234567890123456789"};
static const uint16_t enums[] = {2, 0, 999};

#define VALUE(dtype_, array)                                                                       \
    {                                                                                              \
        .dtype = dtype_, .count = sizeof array / sizeof array[0], .data = (void *)(uintptr_t)array \
    }
static const struct oph_value values[] = {
    VALUE(OPH_INT8, int8s),       VALUE(OPH_UINT8, bytes),    VALUE(OPH_INT16, int16s),
    VALUE(OPH_UINT16, uint16s),   VALUE(OPH_INT32, int32s),   VALUE(OPH_UINT32, uint32s),
    VALUE(OPH_INT64, int64s),     VALUE(OPH_UINT64, uint64s), VALUE(OPH_FLOAT32, float32s),
    VALUE(OPH_FLOAT64, float64s), VALUE(OPH_TEXT, texts),     VALUE(OPH_ENUM, enums),
};
enum { VALUES = sizeof values / sizeof values[0] };

static struct oph__record record_with(const struct oph_value *value)
{
    struct oph__record rec = {.device = "det.cam",
                              .attr = "size.size_x",
                              .pv = "Pilatus:cam1:SizeX",
                              .readback = "Pilatus:cam1:SizeX_RBV",
                              .busy = "Pilatus:cam1:\"Busy",
                              .server = "127.0.0.1:5064",
                              .how = OPH__RBV,
                              .type = OPH__ENUM,
                              .slow = 96.5,
                              .text = "a \"text\"",
                              .info = &info};
    rec.staged = rec.set = rec.read = *value;
    rec.set.status = 17;
    rec.set.severity = 3;
    return rec;
}

static void write_all(struct oph__buf *buf)
{
    *buf = (struct oph__buf){0};
    oph__journal_text_begin(buf, &head);
    for (size_t i = 0; i < VALUES; i++) {
        struct oph__record rec = record_with(&values[i]);
        rec.counter = i & 1;
        rec.moves = i & 2;
        rec.starts = i & 4;
        rec.later = (oph_value[]){values[i], values[(i + 1) % VALUES]};
        rec.later_count = i % 3;
        if (i == 3) {
            rec.readback = "";
            rec.read = (struct oph_value){0};
            rec.set.count = 0;
        }
        oph__journal_text_add(buf, &rec);
    }
    oph__journal_text_end(buf, VALUES);
}

static bool same_process(const struct oph__process *a, const struct oph__process *b)
{
    return a->pid == b->pid && a->start == b->start && a->space == b->space &&
           !strcmp(a->boot, b->boot) && !strcmp(a->program, b->program);
}

static bool same_value(const struct oph_value *a, const struct oph_value *b)
{
    bool same = a->dtype == b->dtype && a->count == b->count;
    if (same && a->dtype == OPH_FLOAT32) /* one NaN is as good as another */
        for (uint32_t i = 0; i < a->count; i++) {
            float x = ((float *)a->data)[i], y = ((float *)b->data)[i];
            same &= isnan(x) ? isnan(y) : !memcmp(&x, &y, sizeof x);
        }
    else if (same && a->dtype == OPH_FLOAT64)
        for (uint32_t i = 0; i < a->count; i++) {
            double x = ((double *)a->data)[i], y = ((double *)b->data)[i];
            same &= isnan(x) ? isnan(y) : !memcmp(&x, &y, sizeof x);
        }
    else if (same && a->count)
        same = !memcmp(a->data, b->data, a->count * oph_dtype_size(a->dtype));
    return same;
}

static void test_round_trip(void)
{
    struct oph__buf text;
    struct oph__journal_content c;
    oph_error err = OPH_ERROR_INIT;
    write_all(&text);
    testOk(!oph__journal_parse(text.text, text.len, "f", &c, &err), "it is read: %s", err.text);
    testOk(c.head.uid == head.uid && !strcmp(c.head.host, head.host) && c.head.since == -5 &&
               !strcmp(c.head.device, head.device) && !strcmp(c.head.prefix, head.prefix) &&
               !strcmp(c.head.server, head.server) && same_process(&c.head.staged_by, &client) &&
               same_process(&c.head.held_by, &recoverer),
           "the head is as written");
    testOk1(c.records.count == VALUES);
    for (size_t i = 0; i < c.records.count; i++) {
        const struct oph__record *rec = c.records.at[i], want = record_with(&values[i]);
        bool same = !strcmp(rec->device, want.device) && !strcmp(rec->attr, want.attr) &&
                    !strcmp(rec->pv, want.pv) && !strcmp(rec->busy, want.busy) &&
                    !strcmp(rec->server, want.server) && !strcmp(rec->text, want.text) &&
                    rec->how == want.how && rec->type == want.type && rec->slow == want.slow &&
                    rec->counter == !!(i & 1) && rec->moves == !!(i & 2) &&
                    rec->starts == !!(i & 4);
        bool whole =
            same_value(&rec->staged, &values[i]) && rec->set.status == 17 && rec->set.severity == 3;
        whole &= rec->later_count == i % 3;
        for (size_t n = 0; n < rec->later_count; n++)
            whole &= same_value(&rec->later[n], &values[(i + n) % VALUES]);
        if (i == 3)
            whole &= rec->set.dtype == values[i].dtype && rec->set.count == 0 && rec->set.data &&
                     !rec->read.data && !*rec->readback;
        else
            whole &= same_value(&rec->set, &values[i]) && same_value(&rec->read, &values[i]) &&
                     !strcmp(rec->readback, want.readback);
        testOk(same && whole, "%s", oph_dtype_name(values[i].dtype));
    }
    const struct oph__record *last = c.records.at[VALUES - 1];
    testOk(last->set_label && !strcmp(last->set_label, "Very \"odd\" one"), "with its label");

    /* Written again from what was read, as by a client that takes it over. */
    struct oph__buf again = {0};
    oph__journal_text_begin(&again, &c.head);
    for (size_t i = 0; i < c.records.count; i++)
        oph__journal_text_add(&again, c.records.at[i]);
    oph__journal_text_end(&again, c.records.count);
    struct oph__journal_content second;
    testOk1(!oph__journal_parse(again.text, again.len, "f", &second, &err));
    const struct oph__record *again_last = second.records.at[VALUES - 1];
    testOk1(!strcmp(again_last->set_label, last->set_label) &&
            same_value(&again_last->set, &last->set));
    oph__journal_content_clear(&second);
    oph__buf_free(&again);
    oph__journal_content_clear(&c);
    oph__buf_free(&text);
}

static bool is_read(const char *text, size_t length)
{
    struct oph__journal_content c;
    oph_error err = OPH_ERROR_INIT;
    /* A block of its own, so that a look beyond its end is found. */
    char *copy = malloc(length ? length : 1);
    if (!copy) testAbort("no memory");
    memcpy(copy, text, length);
    int rc = oph__journal_parse(copy, length, "f", &c, &err);
    free(copy);
    bool told = rc == OPH_EPARSE && err.code == rc && !strncmp(err.text, "f:", 2);
    if (rc && !told) testDiag("%s: %s", oph_code_name(rc), err.text);
    if (rc) return !told; /* an error that names no line counts as read, and so fails the test */
    oph__journal_content_clear(&c);
    return true;
}

static void test_damage(void)
{
    struct oph__buf text;
    write_all(&text);
    size_t cut = 0, edited = 0;
    for (size_t i = 0; i < text.len; i++)
        cut += is_read(text.text, i);
    testOk(cut == 0, "cut at any of %zu bytes it is refused", text.len);
    for (size_t i = 0; i < text.len; i++) {
        char before = text.text[i];
        text.text[i] = before == 'a' ? 'b' : 'a';
        edited += is_read(text.text, text.len);
        text.text[i] = '\0';
        edited += is_read(text.text, text.len);
        text.text[i] = before;
    }
    testOk(edited == 0, "with any byte edited too");
    oph__buf_add(&text, "\n");
    testOk(!is_read(text.text, text.len), "nothing may follow it");
    oph__buf_free(&text);
}

/* Edits that come with the right checksum. */

#define HEAD                                                                                       \
    "cophyd-journal 1\nuser 0\nhost \"h\"\nstaged-by 1 2 3 \"b\" \"p\"\n"                          \
    "held-by 1 2 3 \"b\" \"p\"\nsince 0\ndevice \"d\" \"X:\"\nserver \"s\"\n"
#define SET_TO(how, flags, values)                                                                 \
    "set \"d\" \"a\" \"X:A\" \"\" \"\" \"s\" " how " int " flags " 0 \"1\" " values "\n"
#define SET(values) SET_TO("rw", "-", values)
#define GOOD "staged int32 1 1 later 0 was int32 1 2 0 0 read none 0 0 0"

static const struct {
    const char *text, *says; /* NULL: it is read */
} edits[] = {
    {HEAD SET(GOOD), NULL},
    {HEAD, NULL},
    {HEAD SET_TO("start", "cms", GOOD), NULL},
    {"cophyd-journal 2\n", "f:1: wanted version 1, found \" 2\""},
    {"cophyd-journal 01\n", "f:2"}, /* the number is that */
    {"other 1\n", "f:1: wanted cophyd-journal"},
    {"", "f:1: wanted cophyd-journal"},
    {"cophyd-journal 1\nuser -1\n", "f:2: wanted a whole number in range"},
    {"cophyd-journal 1\nuser 4294967296\n", "f:2"},
    {"cophyd-journal 1\nuser 1 2\n", "f:2: wanted the end of the line"},
    {"cophyd-journal 1\nuser 1\nhost h\n", "f:3: wanted a text in quotes"},
    {"cophyd-journal 1\nuser 1\nhost  \"h\"\n", "f:3"},
    {"cophyd-journal 1\nuser 1\nhost \"h\\\n", "f:3"},
    {"cophyd-journal 1\nuser 1\nhost \"h\\x0\n", "f:3"},
    {"cophyd-journal 1\nuser 1\nhost \"h\\x00\"\n", "f:3: wanted a text without \\x00"},
    {"cophyd-journal 1\nuser 1\nhost \"h\\n\"\n", "f:3"},
    {"cophyd-journal 1\nuser 1\nhost \""
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "0123456789012345678901234567890123456789\"\n",
     "f:3: wanted a shorter text"},
    {"cophyd-journal 1\nuser 1\nhost \"h\"\nstaged-by 1 18446744073709551616 3 \"\" \"\"\n", "f:4"},
    {"cophyd-journal 1\nuser 1\nhost \"h\"\nstaged-by 1 -2 3 \"\" \"\"\n", "f:4"},
    {HEAD "get\n", "f:9: wanted a set or an end"},
    {HEAD SET_TO("gone", "-", GOOD), "f:9: wanted a word that it can be"},
    {HEAD SET_TO("rw", "sc", GOOD), "f:9: wanted flags"},
    {HEAD SET_TO("rw", "", GOOD), "f:9"},
    {HEAD SET("staged int32 1 1 was int32 1 2 0 0 read none 0 0 0"), "wanted later"},
    {HEAD SET("staged int32 1 1 later -1 was int32 1 2 0 0 read none 0 0 0"), "in range"},
    {HEAD SET("staged int32 1 1 later 4000 was int32 1 2 0 0 read none 0 0 0"), "in range"},
    {HEAD SET("staged int32 1 1 later 2 int32 1 5 was int32 1 2 0 0 read none 0 0 0"), "f:9"},
    {HEAD SET("staged int33 1 1 later 0 was int32 1 2 0 0 read none 0 0 0"),
     "f:9: wanted a type of values"},
    {HEAD SET("staged int32 2 1 later 0 was int32 1 2 0 0 read none 0 0 0"), "f:9"},
    {HEAD SET("staged int32 4000000000 1 later 0 was int32 1 2 0 0 read none 0 0 0"), "f:9"},
    {HEAD SET("staged int32 -1 later 0 was int32 1 2 0 0 read none 0 0 0"), "f:9"},
    {HEAD SET("staged int32 0 later 0 was int32 1 2 0 0 read none 0 0 0"),
     "wanted a PV and its values"},
    {HEAD SET("staged int32 1 1 later 0 was none 0 0 0 read none 0 0 0"),
     "wanted a PV and its values"},
    {HEAD SET("staged int32 1 2147483648 later 0 was int32 1 2 0 0 read none 0 0 0"), "in range"},
    {HEAD SET("staged int32 1 1.5 later 0 was int32 1 2 0 0 read none 0 0 0"), "in range"},
    {HEAD SET("staged enum 1 65536 \"\" later 0 was int32 1 2 0 0 read none 0 0 0"), "in range"},
    {HEAD SET("staged enum 1 1 later 0 was int32 1 2 0 0 read none 0 0 0"), "f:9"},
    {HEAD SET("staged float64 1 1e400 later 0 was int32 1 2 0 0 read none 0 0 0"),
     "wanted a number"},
    {HEAD SET("staged float64 1 1,5 later 0 was int32 1 2 0 0 read none 0 0 0"), "wanted a number"},
    {HEAD SET("staged uint8 2 \"abc\" later 0 was int32 1 2 0 0 read none 0 0 0"), "f:9"},
    {HEAD SET("staged text 1 \"01234567890123456789012345678901234567890\" later 0 was int32 1 2 0 "
              "0 read "
              "none 0 0 0"),
     "wanted a shorter text"},
    {HEAD SET("staged int32 1 1 later 0 was int32 1 2 0 70000 read none 0 0 0"), "in range"},
    {HEAD SET("staged int32 1 1 later 0 was int32 1 2 0 0 read none 0 0 0 more"),
     "the end of the line"},
    {HEAD "set \"d\" \"a\" \"\" \"\" \"\" \"s\" rw int - 0 \"1\" " GOOD "\n", "wanted a PV"},
    {HEAD "set \"d\" \"a\" \"X:A\" \"\" \"\" \"s\" rw int - nan \"1\" " GOOD "\n", "wanted a PV"},
    {HEAD "set \"d\" \"a\" \"X:A\" \"\" \"\" \"s\" rw int - -1 \"1\" " GOOD "\n", "wanted a PV"},
};

static void test_edits(void)
{
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct oph__buf buf = {0};
        struct oph__journal_content c;
        oph_error err = OPH_ERROR_INIT;
        size_t count = 0;
        for (const char *at = edits[i].text; (at = strstr(at, "\nset ")); at++)
            count++;
        oph__buf_add(&buf, edits[i].text);
        oph__journal_text_end(&buf, count);
        int rc = oph__journal_parse(buf.text, buf.len, "f", &c, &err);
        bool told = rc == OPH_EPARSE && edits[i].says && strstr(err.text, edits[i].says);
        testOk(edits[i].says ? told : rc == 0, "%s", rc ? err.text : "it is read");
        if (edits[i].says && !told) testDiag("expected: %s", edits[i].says);
        if (!rc) oph__journal_content_clear(&c);
        oph__buf_free(&buf);
    }
    struct oph__buf buf = {0};
    oph__buf_add(&buf, HEAD SET(GOOD));
    oph__journal_text_end(&buf, 2);
    testOk(!is_read(buf.text, buf.len), "the count of its settings is checked");
    oph__buf_free(&buf);
}

int main(void)
{
    testPlan(0);
    test_round_trip();
    test_damage();
    test_edits();
    return testDone();
}
