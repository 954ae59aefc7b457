/* Texts that come with the library: each is read when a class of it is first asked for. Before that
 * their classes are known by name, as one scan of the texts finds them. */
#include "base/str.h"
#include "core/class_parts.h"
#include <stdlib.h>
#include <string.h>

struct shelved {
    const char *name;
    size_t text;
    struct oph__classdef *def; /* NULL: its text was not read yet */
};

struct oph__shelf {
    const struct oph__class_text *texts;
    oph__known_fn *known;
    void *user;
    struct oph__arena arena;
    struct oph__map by_name; /* struct shelved */
    struct oph__vec names;   /* the same, in the order of the texts */
    struct oph__vec sources; /* struct oph__class_source: the texts that were read */
    oph_error err;           /* why the class asked for last could not be had; or code 0 */
};

struct oph__shelf *oph__shelf_new(const struct oph__class_text *texts, oph__known_fn *known,
                                  void *user)
{
    struct oph__shelf *shelf = calloc(1, sizeof *shelf);

    if (shelf) *shelf = (struct oph__shelf){.texts = texts, .known = known, .user = user};
    return shelf;
}

void oph__shelf_free(struct oph__shelf *shelf)
{
    if (!shelf) return;
    for (size_t i = 0; i < shelf->sources.count; i++) {
        oph__class_source_free(shelf->sources.at[i]);
        free(shelf->sources.at[i]);
    }
    oph__vec_free(&shelf->sources);
    oph__map_free(&shelf->by_name);
    oph__vec_free(&shelf->names);
    oph__arena_free(&shelf->arena);
    free(shelf);
}

/* The name in a line that begins a class, or NULL. */
static const char *class_in(const char *line, size_t *ret_len)
{
    static const char statement[] = "class ";

    if (!oph__starts(line, statement)) return NULL;
    line += strlen(statement);
    line += strspn(line, " ");
    *ret_len = strcspn(line, " \t\r\n");
    return line;
}

static bool add_name(struct oph__shelf *shelf, const char *name, size_t len, size_t text)
{
    struct shelved *item = oph__arena_get(&shelf->arena, sizeof *item);
    char *copy = oph__arena_dup(&shelf->arena, name, len);

    if (!item || !copy) return false;
    *item = (struct shelved){.name = copy, .text = text};
    return oph__map_set(&shelf->by_name, copy, item) && oph__vec_add(&shelf->names, item);
}

/* Once, and not before somebody asks for a class. */
static bool find_names(struct oph__shelf *shelf)
{
    size_t len;
    bool ok = true;

    if (shelf->names.count) return true;
    for (size_t i = 0; ok && shelf->texts[i].text; i++) {
        for (const char *at = shelf->texts[i].text; ok && at; at = strstr(at, "\nclass ")) {
            at += *at == '\n';
            const char *name = class_in(at, &len);
            if (name) ok = add_name(shelf, name, len, i);
        }
    }
    if (ok) return true;
    oph__map_free(&shelf->by_name);
    oph__vec_free(&shelf->names);
    oph__fail_memory(&shelf->err, "the classes");
    return false;
}

/* What a text of ours says is checked whole by a test, and needs no more here than to be read. */
static int read_text(struct oph__shelf *shelf, size_t which)
{
    const struct oph__class_text *text = &shelf->texts[which];
    struct oph__class_source *source = calloc(1, sizeof *source);
    struct oph__mistakes m = {0};

    if (!source) return oph__fail_memory(&shelf->err, text->name);
    oph__class_source_read(source, text->text, text->name, shelf->known, shelf->user, &m);
    if (m.memory || m.count || !oph__vec_add(&shelf->sources, source)) {
        oph__class_source_free(source);
        free(source);
        if (!m.count || m.memory) return oph__fail_memory(&shelf->err, text->name);
        shelf->err = m.first;
        return OPH_EPARSE;
    }
    for (size_t i = 0; i < source->defs.count; i++) {
        struct oph__classdef *def = source->defs.at[i];
        struct shelved *item = oph__map_get(&shelf->by_name, def->name);
        def->state = OPH__GOOD;
        if (item) item->def = def;
    }
    return 0;
}

struct oph__classdef *oph__shelf_find(struct oph__shelf *shelf, const char *name)
{
    if (!shelf) return NULL;
    shelf->err.code = 0;
    if (!find_names(shelf)) return NULL;
    struct shelved *item = oph__map_get(&shelf->by_name, name);
    if (!item) return NULL;
    if (!item->def) read_text(shelf, item->text);
    return item->def;
}

int oph__shelf_failed(const struct oph__shelf *shelf, oph_error *err)
{
    if (!shelf || !shelf->err.code) return 0;
    if (err) *err = shelf->err;
    return shelf->err.code;
}

size_t oph__shelf_count(struct oph__shelf *shelf)
{
    return shelf && find_names(shelf) ? shelf->names.count : 0;
}

const char *oph__shelf_name(const struct oph__shelf *shelf, size_t index)
{
    const struct shelved *item = shelf->names.at[index];
    return item->name;
}

size_t oph__shelf_read(const struct oph__shelf *shelf)
{
    return shelf ? shelf->sources.count : 0;
}
