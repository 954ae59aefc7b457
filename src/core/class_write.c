/* Classes written back as the text that they can be read from. */
#include "base/str.h"
#include "core/class_parts.h"
#include "core/context.h"
#include <cophyd/class.h>
#include <string.h>

enum { COLUMNS = 7, LINE_WIDTH = 100 };

/* What is written: a class as it was defined, or one made whole. */
struct written {
    const char *name;
    const char *bases;
    const char *doc;
    const char *plugin_type;
    const char *trigger;
    const struct oph__vec *rows, *devs, *files, *stage, *cycle, *hooks;
    const int32_t *kind;
    const struct oph__class *whole; /* of which rows are of one release; NULL: as defined */
};

static void add_doc(struct oph__buf *buf, const char *doc)
{
    size_t len = strlen(doc);
    bool plain = len && doc[0] != ' ' && doc[len - 1] != ' ' && !strpbrk(doc, "\t\"\\#");

    if (!len) return;
    oph__buf_add(buf, "doc   ");
    if (plain && !strstr(doc, "  "))
        oph__buf_add(buf, doc);
    else
        oph__word_add(buf, doc, true);
    oph__buf_add(buf, "\n");
}

/* The attributes that this row comes after, of those that the release has. */
static void add_after(struct oph__buf *buf, const struct written *w, const char *list)
{
    char name[OPH__MAX_ATTR + 1];
    const char *before = " after=";

    for (size_t len; *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        oph__format(name, sizeof name, "%.*s", (int)len, list);
        if (w->whole && !oph__map_get(&w->whole->by_attr, name)) continue;
        oph__buf_addf(buf, "%s%s", before, name);
        before = ",";
    }
}

static void add_labels(struct oph__buf *buf, const char *option, const struct oph__labels *labels)
{
    struct oph__buf list = {0};

    if (!labels->count) return;
    for (uint32_t i = 0; i < labels->count; i++)
        oph__buf_addf(&list, "%s%s", i ? "|" : "", labels->at[i]);
    oph__buf_addf(buf, " %s=", option);
    if (list.failed)
        buf->failed = true;
    else
        oph__word_add(buf, list.text, false);
    oph__buf_free(&list);
}

static void add_options(struct oph__buf *buf, const struct written *w, const struct oph__row *row)
{
    char number[40];

    if (row->slow > 0)
        oph__buf_addf(buf, " slow=%s", oph__from_double(number, sizeof number, row->slow));
    if (row->after) add_after(buf, w, row->after);
    if (row->busy) oph__buf_add(buf, " busy");
    if (row->counter) oph__buf_add(buf, " counter");
    if (row->moves) oph__buf_add(buf, " moves");
    if (row->main) oph__buf_add(buf, " main");
    add_labels(buf, "labels", &row->labels);
    add_labels(buf, "readback", &row->readback);
    if (row->length) oph__buf_addf(buf, " length=%u", (unsigned)row->length);
    if (row->of != OPH__ANY) oph__buf_addf(buf, " of=%s", oph__rowtypes[row->of]);
}

/* The words of a row that stand in columns; the first `*ret_count` of them. */
static void row_words(const struct written *w, const struct oph__row *row, char since[24],
                      const char *ret[COLUMNS], size_t *ret_count)
{
    int version = w->whole ? 0 : row->since;
    const char *words[COLUMNS] = {"row",
                                  row->attr,
                                  row->suffix,
                                  oph__hows[row->how],
                                  oph__rowtypes[row->type],
                                  oph__kinds[row->kind],
                                  since};

    oph__copy(since, 24, "-");
    if (version) oph__format(since, 24, "%d.%d", version / 1000, version % 1000);
    if (row->how == OPH__GONE) {
        words[2] = *row->suffix ? row->suffix : "-";
        words[4] = since;
    }
    memcpy(ret, words, sizeof words);
    *ret_count = row->how == OPH__GONE ? 5 : COLUMNS;
}

static void add_rows(struct oph__buf *buf, const struct written *w)
{
    size_t widths[COLUMNS] = {0}, count;
    const char *words[COLUMNS];
    char since[24];

    for (size_t i = 0; i < w->rows->count; i++) {
        row_words(w, w->rows->at[i], since, words, &count);
        for (size_t c = 0; c < count; c++)
            if (strlen(words[c]) > widths[c]) widths[c] = strlen(words[c]);
    }
    for (size_t i = 0; i < w->rows->count; i++) {
        const struct oph__row *row = w->rows->at[i];
        struct oph__buf rest = {0};
        if (row->how != OPH__GONE) add_options(&rest, w, row);
        if (*row->doc) oph__buf_add(&rest, rest.len ? "  " : " ");
        if (*row->doc) oph__word_add(&rest, row->doc, true);
        row_words(w, row, since, words, &count);
        for (size_t c = 0; c < count; c++) {
            int width = c + 1 < count || rest.len ? (int)widths[c] : 0;
            oph__buf_addf(buf, "%s%-*s", c ? "  " : "", width, words[c]);
        }
        if (rest.len) oph__buf_addf(buf, " %s", rest.text);
        oph__buf_add(buf, "\n");
        buf->failed = buf->failed || rest.failed;
        oph__buf_free(&rest);
    }
}

static void add_devs(struct oph__buf *buf, const struct oph__vec *devs)
{
    for (size_t i = 0; i < devs->count; i++) {
        const struct oph__devrow *dev = devs->at[i];
        oph__buf_addf(buf, "dev   %s ", dev->attr);
        oph__word_add(buf, dev->suffix, false);
        oph__buf_addf(buf, " %s", dev->classes);
        if (*dev->doc) oph__buf_add(buf, "  ");
        if (*dev->doc) oph__word_add(buf, dev->doc, true);
        oph__buf_add(buf, "\n");
    }
}

static void add_key(struct oph__buf *buf, const char *key, const char *value, bool quoted)
{
    if (!value) return;
    oph__buf_addf(buf, " %s=", key);
    oph__word_add(buf, value, quoted);
}

static void add_files(struct oph__buf *buf, const struct oph__vec *files)
{
    static const char *const naming[] = {
        [OPH__NAMING_UUID] = "uuid", [OPH__NAMING_COUNTER] = "counter"};

    for (size_t i = 0; i < files->count; i++) {
        const struct oph__filesrow *row = files->at[i];
        oph__buf_addf(buf, "files %s", *row->child ? row->child : ".");
        add_key(buf, "write", row->write, false);
        add_key(buf, "read", row->read, false);
        if (row->windows) oph__buf_add(buf, " semantics=windows");
        if (row->naming == OPH__NAMING_FIXED)
            add_key(buf, "name", row->name, true);
        else if (row->naming != OPH__NAMING_UNSAID)
            oph__buf_addf(buf, " name=%s", naming[row->naming]);
        if (row->overwrite >= 0) oph__buf_addf(buf, " overwrite=%s", row->overwrite ? "yes" : "no");
        oph__buf_add(buf, "\n");
    }
}

/* Whether the release has the row: what other devices have is not known here. */
static bool can_be_set(const struct written *w, const struct oph__stageword *word)
{
    if (!w->whole || *word->child || oph__map_get(&w->whole->by_attr, word->key)) return true;
    for (size_t i = 0; i < w->whole->others.count; i++) {
        const struct oph__row *row = w->whole->others.at[i];
        if (oph__equal(row->attr, word->key)) return false;
    }
    return true;
}

/* A line for each device or step, more where it gets long. */
static void add_settings(struct oph__buf *buf, const struct written *w, const char *statement,
                         const struct oph__vec *words)
{
    const char *last = NULL;
    size_t start = 0;

    for (size_t i = 0; i < words->count; i++) {
        const struct oph__stageword *word = words->at[i];
        const char *where = *word->step ? word->step : *word->child ? word->child : ".";
        const struct oph__literal *value = &word->value;
        bool quoted = value->kind == OPH__LIT_TEXT &&
                      oph__literal_of(value->text, false).kind != OPH__LIT_TEXT;
        if (!can_be_set(w, word)) continue;
        if (!last || strcmp(last, where) != 0 || buf->len - start > LINE_WIDTH - 20) {
            if (last) oph__buf_add(buf, "\n");
            start = buf->len;
            oph__buf_addf(buf, "%s %s", statement, where);
        }
        add_key(buf, word->key, value->text, quoted);
        last = where;
    }
    if (last) oph__buf_add(buf, "\n");
}

static void add_kind(struct oph__buf *buf, int32_t flags)
{
    oph__buf_add(buf, "kind ");
    if (!flags) oph__buf_add(buf, " omitted");
    if (flags & OPH_KIND_NORMAL)
        oph__buf_add(buf, (flags & OPH_KIND_HINTED) == OPH_KIND_HINTED ? " hinted" : " normal");
    if (flags & OPH_KIND_CONFIG) oph__buf_add(buf, " config");
    oph__buf_add(buf, "\n");
}

static void write_class(struct oph__buf *buf, const struct written *w)
{
    oph__buf_addf(buf, "class %s%s%s\n", w->name, *w->bases ? " : " : "", w->bases);
    add_doc(buf, w->doc ? w->doc : "");
    if (w->kind) add_kind(buf, *w->kind);
    if (w->plugin_type) {
        oph__buf_add(buf, "plugin ");
        oph__word_add(buf, w->plugin_type, false);
        oph__buf_add(buf, "\n");
    }
    if (w->trigger) oph__buf_addf(buf, "trigger %s\n", w->trigger);
    for (size_t i = 0; i < w->hooks->count; i++)
        oph__buf_addf(buf, "hook  %s\n", (const char *)w->hooks->at[i]);
    add_rows(buf, w);
    add_devs(buf, w->devs);
    add_files(buf, w->files);
    add_settings(buf, w, "stage", w->stage);
    add_settings(buf, w, "cycle", w->cycle);
}

static void write_defined(struct oph__buf *buf, const struct oph__classdef *def)
{
    struct written w = {.name = def->name,
                        .bases = def->base_names,
                        .doc = def->doc,
                        .plugin_type = def->plugin_type,
                        .trigger = def->trigger,
                        .rows = &def->rows,
                        .devs = &def->devs,
                        .files = &def->files,
                        .stage = &def->stage,
                        .cycle = &def->cycle,
                        .hooks = &def->hooks,
                        .kind = def->kind};
    write_class(buf, &w);
}

/* "HDF5Plugin@3.4 FileStore" becomes HDF5Plugin_V34_FileStore. */
static void add_flat_name(struct oph__buf *buf, const char *name)
{
    for (; *name; name++) {
        if (*name == '@')
            oph__buf_add(buf, "_V");
        else if (*name != '.')
            oph__buf_add_n(buf, *name == ' ' ? "_" : name, 1);
    }
}

static void write_flat(struct oph__buf *buf, const struct oph__class *cls)
{
    struct oph__buf name = {0};
    bool said = cls->kind != (OPH_KIND_NORMAL | OPH_KIND_CONFIG);

    add_flat_name(&name, cls->name);
    struct written w = {.name = name.text,
                        .bases = "",
                        .doc = cls->doc,
                        .plugin_type = cls->plugin_type,
                        .trigger = cls->trigger,
                        .rows = &cls->rows,
                        .devs = &cls->devs,
                        .files = &cls->files,
                        .stage = &cls->stage,
                        .cycle = &cls->cycle,
                        .hooks = &cls->hooks,
                        .kind = said ? &cls->kind : NULL,
                        .whole = cls};
    if (name.failed)
        buf->failed = true;
    else
        write_class(buf, &w);
    oph__buf_free(&name);
}

static int give(const struct oph__buf *buf, const char *what, char *buffer, size_t size,
                size_t *ret_length, oph_error *err)
{
    if (buf->failed) return oph__fail_memory(err, what);
    if (size && buf->len >= size)
        return oph__fail_text(err, OPH_ERANGE,
                              "%s: wanted room for a text of %zu characters, found %zu", what,
                              buf->len, size - 1);
    if (size) memcpy(buffer, buf->text, buf->len + 1);
    if (ret_length) *ret_length = buf->len;
    return 0;
}

int oph_class_text(oph_context *ctx, const char *class_name, uint32_t flags, char *buffer,
                   size_t size, size_t *ret_length, oph_error *err)
{
    const struct oph__class *cls;
    struct oph__buf buf = {0};
    int version, rc = oph__context_check(ctx, err);
    if (!rc) rc = oph__classes_get(ctx->classes, class_name, 0, &cls, err);
    if (rc) return rc;
    if (flags & ~(uint32_t)OPH_CLASS_FLAT)
        return oph__fail_text(err, OPH_EINVAL,
                              "%s: wanted flags of enum oph_class_flags, found %#x", cls->name,
                              (unsigned)flags);
    if (flags & OPH_CLASS_FLAT) {
        write_flat(&buf, cls);
    } else if (strpbrk(cls->name, "@ ")) {
        return oph__fail_text(err, OPH_EINVAL,
                              "%s: wanted one class without a release, or OPH_CLASS_FLAT",
                              cls->name);
    } else {
        const struct oph__ref ref = {.name = cls->name};
        pthread_mutex_lock(&ctx->classes->lock);
        write_defined(&buf, oph__scope_find(&ctx->classes->scope, ref, &version));
        pthread_mutex_unlock(&ctx->classes->lock);
    }
    rc = give(&buf, cls->name, buffer, size, ret_length, err);
    oph__buf_free(&buf);
    return rc;
}
