/* From text to definitions: one statement a line. What can be said about a line by itself is said
 * here. What a mistake leaves whole is kept, so that one mistake does not make others. */
#include "core/class_read.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

void *oph__read_get(struct oph__reader *r, size_t size)
{
    void *got = oph__arena_get(&r->source->arena, size);

    if (!got) r->m->memory = true;
    return got;
}

void oph__read_keep(struct oph__reader *r, struct oph__vec *vec, const void *item)
{
    if (!oph__vec_add(vec, (void *)item)) r->m->memory = true;
}

/* The words from `first` on, with a blank between. */
static const char *join(struct oph__reader *r, size_t first)
{
    struct oph__buf buf = {0};

    oph__buf_add(&buf, "");
    for (size_t i = first; i < r->words.count; i++)
        oph__buf_addf(&buf, "%s%s", i > first ? " " : "", r->words.at[i].text);
    char *text = buf.failed ? NULL : oph__arena_dup(&r->source->arena, buf.text, buf.len);
    oph__buf_free(&buf);
    if (!text) r->m->memory = true;
    return text;
}

bool oph__read_once(struct oph__reader *r, const char *what, const char *name, int since)
{
    char version[24] = "";
    const struct oph__place *before = NULL;

    if (since) oph__format(version, sizeof version, " since %d.%d", since / 1000, since % 1000);
    char *key = oph__dupf("%s%s%s%s", what, *name ? " " : "", name, version);
    struct oph__place *place = oph__read_get(r, sizeof *place);
    if (key && place) {
        before = oph__map_get(&r->seen, key);
        *place = r->at;
        if (before)
            oph__mistake(r->m, r->at, "class %s has '%s' twice, first in line %d", r->def->name,
                         key, before->line);
        else if (!oph__map_set(&r->seen, key, place))
            r->m->memory = true;
    } else {
        r->m->memory = true;
    }
    free(key);
    return !before;
}

int oph__read_lookup(struct oph__reader *r, const char *what, const char *const *list,
                     const char *word)
{
    struct oph__near near = {.word = word};
    char nearest[80];

    for (int i = 0; list[i]; i++)
        if (strcmp(list[i], word) == 0) return i;
    for (int i = 0; list[i]; i++)
        oph__near_try(&near, list[i]);
    oph__mistake(r->m, r->at, "unknown %s '%s'%s", what, word,
                 oph__near_text(&near, nearest, sizeof nearest));
    return -1;
}

void oph__read_suffix(struct oph__reader *r, const char *suffix, bool readback)
{
    size_t len = strcspn(suffix, ".") + (readback ? strlen("_RBV") : 0);

    for (const char *c = suffix; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            oph__mistake(r->m, r->at, "'%s' has characters that no PV name has", suffix);
            return;
        }
    }
    if (len > OPH__LONGEST_PV)
        oph__mistake(r->m, r->at, "'%s' makes a PV name of %zu characters: the most is %d", suffix,
                     len, OPH__LONGEST_PV);
}

/* The doc of the row or the device: the last word when it is in quotes. */
static const char *take_doc(struct oph__reader *r)
{
    const struct oph__word *last = &r->words.at[r->words.count - 1];

    if (!last->quoted || last->eq) return "";
    r->words.count--;
    return last->text;
}

static void read_class(struct oph__reader *r)
{
    const struct oph__word *word = r->words.at;
    size_t count = r->words.count;
    struct oph__classdef *def = oph__read_get(r, sizeof *def);

    if (!def) return;
    *def = (struct oph__classdef){.name = word[1].text, .base_names = "", .at = r->at};
    r->def = def;
    oph__map_free(&r->seen);
    oph__map_free(&r->docs);
    oph__read_keep(r, &r->source->defs, def);
    if (r->m->memory) return;
    if (!oph__is_class_name(def->name)) {
        oph__mistake(r->m, r->at, "'%s' is no class name: letters, digits and _ make one",
                     def->name);
        def->state = OPH__BAD;
    }
    if (count > 2 && (count == 3 || strcmp(word[2].text, ":") != 0)) {
        oph__mistake(r->m, r->at, "wanted `class NAME : BASE ...`, found '%s'", word[2].text);
        return;
    }
    if (count > 3) def->base_names = join(r, 3);
    for (size_t i = 3; i < count; i++) {
        oph_error err = OPH_ERROR_INIT;
        int rc = oph__refs_read(&r->source->arena, word[i].text, &def->bases, &err);
        if (rc == OPH_ENOMEM)
            r->m->memory = true;
        else if (rc)
            oph__mistake(r->m, r->at, "%s", err.text);
    }
}

static void read_doc(struct oph__reader *r)
{
    if (oph__read_once(r, "doc", "", 0)) r->def->doc = join(r, 1);
}

static void read_dev(struct oph__reader *r)
{
    const struct oph__word *word = r->words.at;
    struct oph__devrow *dev = oph__read_get(r, sizeof *dev);

    if (!dev) return;
    *dev = (struct oph__devrow){.attr = word[1].text,
                                .suffix = word[2].text,
                                .doc = take_doc(r),
                                .origin = r->at.origin,
                                .line = r->at.line};
    dev->classes = join(r, 3);
    oph__read_suffix(r, dev->suffix, false);
    if (!oph__is_name(dev->attr) || strcmp(dev->attr, "parent") == 0) {
        oph__mistake(r->m, r->at,
                     "'%s' is no device attribute: small letters, digits and _ make one, and "
                     "parent means the device above",
                     dev->attr);
        return;
    }
    if (oph__read_once(r, "dev", dev->attr, 0)) oph__read_keep(r, &r->def->devs, dev);
}

/* Takes the word apart at its =; NULL and a mistake when it has none. */
static const char *take_value(struct oph__reader *r, const struct oph__word *word)
{
    if (!word->eq) {
        oph__mistake(r->m, r->at, "wanted KEY=VALUE, found '%s'", word->text);
        return NULL;
    }
    *word->eq = '\0';
    if (word->eq[1] == '\0' && !word->quoted)
        oph__mistake(r->m, r->at, "'%s=' has no value: write %s=\"\" for an empty one", word->text,
                     word->text);
    return word->eq + 1;
}

/* "" for the class itself, which is written as a dot. */
static const char *take_child(struct oph__reader *r)
{
    const char *child = r->words.at[1].text;

    if (strcmp(child, ".") == 0) return "";
    if (!oph__is_name(child))
        oph__mistake(r->m, r->at, "wanted a device of the class or a dot, found '%s'", child);
    return child;
}

/* name=uuid, name=counter, or a text in quotes. */
static void read_naming(struct oph__reader *r, struct oph__filesrow *files,
                        const struct oph__word *word)
{
    static const char *const words[] = {"uuid", "counter", NULL};
    const char *value = word->eq + 1;

    if (!word->quoted) {
        int which = oph__read_lookup(r, "name", words, value);
        if (which < 0)
            oph__mistake(r->m, r->at, "a file name of one's own is in quotes: name=\"%s\"", value);
        else
            files->naming = which == 0 ? OPH__NAMING_UUID : OPH__NAMING_COUNTER;
        return;
    }
    if (!*value || strchr(value, '/'))
        oph__mistake(r->m, r->at, "name=\"%s\": wanted a file name without folders", value);
    files->naming = OPH__NAMING_FIXED;
    files->name = value;
}

enum files_key { WRITE, READ, SEMANTICS, NAME, OVERWRITE, FILES_KEYS };

static void read_files(struct oph__reader *r)
{
    static const char *const keys[] = {"write", "read", "semantics", "name", "overwrite", NULL};
    static const char *const semantics[] = {"posix", "windows", NULL};
    static const char *const answers[] = {"no", "yes", NULL};
    struct oph__filesrow *files = oph__read_get(r, sizeof *files);
    const char *values[FILES_KEYS] = {NULL};

    if (!files) return;
    *files = (struct oph__filesrow){
        .child = take_child(r), .overwrite = -1, .origin = r->at.origin, .line = r->at.line};
    for (size_t i = 2; i < r->words.count; i++) {
        const char *value = take_value(r, &r->words.at[i]);
        int key = value ? oph__read_lookup(r, "key", keys, r->words.at[i].text) : -1;
        if (key < 0) continue;
        if (values[key]) oph__mistake(r->m, r->at, "'%s=' stands twice", keys[key]);
        values[key] = value;
        if (key == NAME) read_naming(r, files, &r->words.at[i]);
    }
    files->write = values[WRITE];
    files->read = values[READ];
    if (!files->write)
        oph__mistake(r->m, r->at, "a files line says write=, the path as the IOC sees it");
    if (values[SEMANTICS])
        files->windows = oph__read_lookup(r, "semantics", semantics, values[SEMANTICS]) == 1;
    if (values[OVERWRITE])
        files->overwrite = oph__read_lookup(r, "overwrite", answers, values[OVERWRITE]);
    if (oph__read_once(r, "files", *files->child ? files->child : ".", 0))
        oph__read_keep(r, &r->def->files, files);
}

static void read_settings(struct oph__reader *r, const char *child, const char *step,
                          struct oph__vec *ret)
{
    for (size_t i = 2; i < r->words.count; i++) {
        const struct oph__word *word = &r->words.at[i];
        struct oph__stageword *set = oph__read_get(r, sizeof *set);
        const char *value = take_value(r, word);
        if (!set || !value) continue;
        *set = (struct oph__stageword){.child = child,
                                       .step = step,
                                       .key = word->text,
                                       .value = oph__literal_of(value, word->quoted),
                                       .origin = r->at.origin,
                                       .line = r->at.line};
        if (oph__is_attr(word->text))
            oph__read_keep(r, ret, set);
        else
            oph__mistake(r->m, r->at, "'%s' is no attribute that can be set", word->text);
    }
}

static void read_stage(struct oph__reader *r)
{
    read_settings(r, take_child(r), "", &r->def->stage);
}

static void read_cycle(struct oph__reader *r)
{
    const char *step = r->words.at[1].text;

    if (!oph__is_name(step))
        oph__mistake(r->m, r->at, "wanted the name of a step, found '%s'", step);
    read_settings(r, "", step, &r->def->cycle);
}

/* The only word of a statement that names something the library can do. */
static const char *read_behaviour(struct oph__reader *r, const char *kind)
{
    const char *name = r->words.at[1].text;

    if (r->known && !r->known(r->user, kind, name))
        oph__mistake(r->m, r->at, "unknown %s '%s'", kind, name);
    return name;
}

static void read_trigger(struct oph__reader *r)
{
    const char *name = read_behaviour(r, "trigger");

    if (r->def->trigger)
        oph__mistake(r->m, r->at, "class %s has two triggers, %s and %s", r->def->name,
                     r->def->trigger, name);
    r->def->trigger = name;
}

static void read_hook(struct oph__reader *r)
{
    const char *name = read_behaviour(r, "hook");

    if (oph__read_once(r, "hook", name, 0)) oph__read_keep(r, &r->def->hooks, name);
}

static void read_plugin(struct oph__reader *r)
{
    if (oph__read_once(r, "plugin", "", 0)) r->def->plugin_type = r->words.at[1].text;
}

enum { ANY = OPH__MAX_WORDS };
static const struct statement {
    const char *name;
    const char *usage;
    size_t least, most; /* words, the statement's name too */
    void (*read)(struct oph__reader *r);
} statements[] = {
    {"class", "class NAME [: BASE ...]", 2, ANY, read_class},
    {"doc", "doc TEXT", 2, ANY, read_doc},
    {"row", "row ATTR SUFFIX HOW TYPE KIND [SINCE] [OPTION...] [\"DOC\"]", 4, ANY, oph__read_row},
    {"dev", "dev ATTR SUFFIX CLASS [MIXIN...] [\"DOC\"]", 4, ANY, read_dev},
    {"files", "files CHILD|. write=TEMPLATE [read=TEMPLATE] [semantics=windows] ...", 3, ANY,
     read_files},
    {"stage", "stage CHILD|. KEY=VALUE ...", 3, ANY, read_stage},
    {"cycle", "cycle STEP KEY=VALUE ...", 3, ANY, read_cycle},
    {"trigger", "trigger NAME", 2, 2, read_trigger},
    {"hook", "hook NAME", 2, 2, read_hook},
    {"plugin", "plugin TYPE", 2, 2, read_plugin},
    {"kind", "kind KIND [KIND]", 2, 3, oph__read_kind},
};
enum { STATEMENTS = sizeof statements / sizeof *statements };

static void read_line(struct oph__reader *r, char *line)
{
    const char *names[STATEMENTS + 1] = {NULL};
    const char *wrong = oph__words_split(line, &r->words);

    if (wrong) oph__mistake(r->m, r->at, "%s", wrong);
    if (wrong || r->words.count == 0) return;
    for (size_t i = 0; i < STATEMENTS; i++)
        names[i] = statements[i].name;
    int which = oph__read_lookup(r, "statement", names, r->words.at[0].text);
    if (which < 0) return;
    const struct statement *s = &statements[which];
    if (r->words.count < s->least || r->words.count > s->most)
        oph__mistake(r->m, r->at, "wanted `%s`, found %zu word%s", s->usage, r->words.count,
                     r->words.count == 1 ? "" : "s");
    else if (!r->def && s->read != read_class)
        oph__mistake(r->m, r->at, "'%s' before the first class", s->name);
    else
        s->read(r);
}

void oph__class_source_read(struct oph__class_source *source, const char *text, const char *origin,
                            oph__known_fn *known, void *user, struct oph__mistakes *m)
{
    struct oph__reader r = {.source = source, .m = m, .known = known, .user = user};
    size_t len;

    r.at.origin = oph__arena_dup(&source->arena, origin, strlen(origin));
    m->memory = !r.at.origin;
    for (const char *p = text; *p && !m->memory; p += len, p += *p == '\n') {
        len = strcspn(p, "\n");
        size_t shown = len > 0 && p[len - 1] == '\r' ? len - 1 : len;
        r.at.line++;
        const char *wrong = oph__line_wrong(p, shown);
        char *line = oph__arena_dup(&source->arena, p, shown);
        if (wrong)
            oph__mistake(m, r.at, "%s", wrong);
        else if (line)
            read_line(&r, line);
        else
            m->memory = true;
    }
    oph__map_free(&r.seen);
    oph__map_free(&r.docs);
    if (source->defs.count == 0 && m->count == 0 && !m->memory)
        oph__mistake(m, (struct oph__place){r.at.origin, 1}, "there is no class in this text");
}

void oph__class_source_free(struct oph__class_source *source)
{
    for (size_t i = 0; i < source->defs.count; i++) {
        struct oph__classdef *def = source->defs.at[i];
        struct oph__vec *vecs[] = {&def->bases, &def->rows,  &def->devs, &def->stage,
                                   &def->cycle, &def->files, &def->hooks};
        for (size_t j = 0; j < sizeof vecs / sizeof *vecs; j++)
            oph__vec_free(vecs[j]);
    }
    oph__vec_free(&source->defs);
    oph__arena_free(&source->arena);
}
