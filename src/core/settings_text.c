/* A device's settings as text: as Python shows them, and in the words of the class text. */
#include "base/str.h"
#include "core/class_parts.h"
#include "core/device.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number as text; a floating-point number without a fraction keeps its point, as in Python. */
static void add_number(struct oph__buf *buf, const struct oph__literal *v)
{
    bool bare = v->kind == OPH__LIT_FLOAT && v->text[strspn(v->text, "+-0123456789")] == '\0';
    oph__buf_addf(buf, "%s%s", v->text, bare ? ".0" : "");
}

static void add_quoted(struct oph__buf *buf, const char *text, char quote)
{
    oph__buf_add_n(buf, &quote, 1);
    for (; *text; text++) {
        if (*text == quote || *text == '\\') oph__buf_add(buf, "\\");
        oph__buf_add_n(buf, text, 1);
    }
    oph__buf_add_n(buf, &quote, 1);
}

/* Text in quotes, as Python writes it. */
static void add_python(struct oph__buf *buf, const char *text)
{
    add_quoted(buf, text, strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'');
}

size_t oph_settings_text(const oph_device *dev, char *buffer, size_t size)
{
    struct oph__buf buf = {0};
    oph__buf_add(&buf, "OrderedDict(");
    for (size_t i = 0; i < dev->settings.list.count; i++) {
        const struct oph__setting *s = oph__settings_at(&dev->settings, i);
        oph__buf_addf(&buf, "%s('%s', ", i ? ", " : "[", s->key);
        if (s->value.kind == OPH__LIT_TEXT)
            add_python(&buf, s->value.text);
        else
            add_number(&buf, &s->value);
        oph__buf_add(&buf, ")");
    }
    oph__buf_add(&buf, dev->settings.list.count ? "])" : ")");
    oph__copy(buffer, size, buf.failed ? "" : buf.text);
    size_t length = buf.len;
    oph__buf_free(&buf);
    return length;
}

/* Printing in the words of the class text */

/* Whether the text would be read back as the same without quotes. */
static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_.%/:+-";
    return *text && text[strspn(text, plain)] == '\0' &&
           oph__literal_of(text, false).kind == OPH__LIT_TEXT;
}

static int add_word(struct oph__buf *buf, const oph_device *dev, const struct oph__setting *s,
                    oph_error *err)
{
    const struct oph__literal *v = &s->value;
    const char *wrong = oph__line_wrong(v->text, strlen(v->text));
    if (v->kind == OPH__LIT_FLOAT && !isfinite(v->f)) wrong = v->text;
    if (wrong)
        return oph__fail(err, OPH_ERANGE, (struct oph__at){.device = dev->path}, s->key,
                         "a value that settings as text cannot hold (%s)", wrong);
    oph__buf_addf(buf, "%s=", s->key);
    if (v->kind != OPH__LIT_TEXT)
        add_number(buf, v);
    else if (is_plain(v->text))
        oph__buf_add(buf, v->text);
    else
        add_quoted(buf, v->text, '"');
    oph__buf_add(buf, "\n");
    return 0;
}

int oph_settings_print(const oph_device *dev, char *buffer, size_t size, size_t *ret_length,
                       oph_error *err)
{
    struct oph__buf buf = {0};
    int rc = 0;
    oph__buf_add(&buf, "");
    for (size_t i = 0; !rc && i < dev->settings.list.count; i++)
        rc = add_word(&buf, dev, dev->settings.list.at[i], err);
    if (!rc && buf.failed) rc = oph__fail_memory(err, "settings as text");
    if (!rc && size && buf.len >= size)
        rc = oph__fail(err, OPH_ERANGE, (struct oph__at){.device = dev->path}, "a shorter text",
                       "%zu characters, where the buffer holds %zu", buf.len, size - 1);
    if (!rc && size) memcpy(buffer, buf.text, buf.len + 1);
    if (!rc && ret_length) *ret_length = buf.len;
    oph__buf_free(&buf);
    return rc;
}

/* Parsing */

struct parsing {
    oph_device *dev;
    struct oph__place at;
    struct oph__mistakes *m;
    struct oph__settings found;
    struct oph__map lines; /* key -> the line it stands in */
};

/* The setting of one word, where nothing is wrong with it. */
static void read_word(struct parsing *p, const struct oph__word *word)
{
    oph_error err = OPH_ERROR_INIT;
    if (!word->eq) {
        oph__mistake(p->m, p->at, "wanted KEY=VALUE, found '%s'", word->text);
        return;
    }
    *word->eq = '\0';
    const char *key = word->text, *value = word->eq + 1;
    const struct oph__literal literal = oph__literal_of(value, word->quoted);
    uintptr_t before = (uintptr_t)oph__map_get(&p->lines, key);
    int rc = oph__settings_check(p->dev, key, value, &err);
    if (!*value && !word->quoted)
        oph__mistake(p->m, p->at, "'%s=' has no value: write %s=\"\" for an empty one", key, key);
    else if (before)
        oph__mistake(p->m, p->at, "'%s' stands twice, first in line %d", key, (int)before);
    else if (rc == OPH_ENOMEM)
        p->m->memory = true;
    else if (rc)
        oph__mistake(p->m, p->at, "%s", err.text);
    else if (oph__settings_put(&p->found, key, &literal, &err) ||
             !oph__map_set(&p->lines, key, (void *)(uintptr_t)p->at.line))
        p->m->memory = true;
}

static void read_line(struct parsing *p, const char *start, size_t length)
{
    struct oph__line_words *words = malloc(sizeof *words);
    char *line = oph__dup_n(start, length);
    const char *wrong = oph__line_wrong(start, length);
    if (!words || !line) p->m->memory = true;
    if (words && line && !wrong) wrong = oph__words_split(line, words);
    if (wrong) oph__mistake(p->m, p->at, "%s", wrong);
    for (size_t i = 0; !wrong && words && line && i < words->count; i++)
        read_word(p, &words->at[i]);
    free(line);
    free(words);
}

static void read_text(struct parsing *p, const char *text)
{
    size_t length;
    for (const char *at = text; *at && !p->m->memory; at += length, at += *at == '\n') {
        length = strcspn(at, "\n");
        p->at.line++;
        read_line(p, at, length > 0 && at[length - 1] == '\r' ? length - 1 : length);
    }
}

/* What the list becomes: made beside it, so that it stays as it is when memory is short. */
static int take(struct parsing *p, int32_t mode, oph_error *err)
{
    struct oph__settings next = {0};
    int rc = 0;
    if (mode == OPH_SETTINGS_UPDATE) rc = oph__settings_put_all(&next, &p->dev->settings, err);
    if (!rc) rc = oph__settings_put_all(&next, &p->found, err);
    if (!rc) oph__settings_become(&p->dev->settings, &next);
    oph__settings_free(&next);
    return rc;
}

int oph_settings_parse(oph_device *dev, const char *text, const char *origin, int32_t mode,
                       oph_report **ret_report, oph_error *err)
{
    bool good = mode == OPH_SETTINGS_UPDATE || mode == OPH_SETTINGS_REPLACE;
    if (!text || !origin || !good)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "a text, its origin and a mode", "%s",
                         !text     ? "no text"
                         : !origin ? "no origin"
                                   : "an unknown mode");
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    struct oph__mistakes m = {.report = oph__report_new()};
    struct parsing p = {.dev = dev, .at = {.origin = origin}, .m = &m};
    read_text(&p, text);
    oph__mistakes_end(&m, origin);
    if (m.memory) {
        rc = oph__fail_memory(err, "settings");
    } else if (m.count) {
        rc = OPH_EPARSE;
        if (err) *err = m.first;
    } else {
        rc = take(&p, mode, err);
    }
    oph__map_free(&p.lines);
    oph__settings_free(&p.found);
    oph__report_give(m.report, ret_report);
    return rc;
}
