/* A class made whole. Everything that classes define has a key; for each key the definitions of the
 * lineage compete, and one wins as classtext.h says. */
#include "base/str.h"
#include "core/class_parts.h"
#include <stdlib.h>
#include <string.h>

struct candidate {
    const void *item;
    int since;
    size_t kin;
    struct candidate *next;
};

struct entry {
    const char *key;
    struct candidate *first, *last;
};

/* Of one sort of things: its entries in the order of their first definition. */
struct table {
    const char *what; /* for sentences */
    bool (*same)(const void *a, const void *b);
    struct oph__vec entries;
    struct oph__map by_key;
};

enum { OLDEST = 1 }; /* a version before every `since`; 0 is the newest */

enum { ROWS, DEVS, STAGE, CYCLE, FILES, TRIGGER, PLUGIN, TABLES };
struct tables {
    struct table at[TABLES];
    struct oph__arena arena;
    bool failed;
};

/* What one of them leaves unsaid is no contradiction. */
static bool same_labels(const struct oph__labels *x, const struct oph__labels *y)
{
    bool same = !x->count || !y->count || x->count == y->count;

    for (uint32_t i = 0; same && i < x->count && i < y->count; i++)
        same = oph__equal(x->at[i], y->at[i]);
    return same;
}

static bool same_row(const void *a, const void *b)
{
    const struct oph__row *x = a, *y = b;

    if (!same_labels(&x->labels, &y->labels) || !same_labels(&x->readback, &y->readback) ||
        (x->length && y->length && x->length != y->length) || (x->of && y->of && x->of != y->of))
        return false;
    return oph__equal(x->suffix, y->suffix) && oph__equal(x->after, y->after) && x->how == y->how &&
           x->type == y->type && x->kind == y->kind && x->slow == y->slow && x->busy == y->busy &&
           x->counter == y->counter && x->moves == y->moves && x->main == y->main;
}

static bool same_dev(const void *a, const void *b)
{
    const struct oph__devrow *x = a, *y = b;

    return oph__equal(x->suffix, y->suffix) && oph__equal(x->classes, y->classes);
}

static bool same_stage(const void *a, const void *b)
{
    const struct oph__stageword *x = a, *y = b;

    return x->value.kind == y->value.kind && oph__equal(x->value.text, y->value.text);
}

static bool same_files(const void *a, const void *b)
{
    const struct oph__filesrow *x = a, *y = b;

    return oph__equal(x->write, y->write) && oph__equal(x->read, y->read) &&
           x->windows == y->windows && x->naming == y->naming && oph__equal(x->name, y->name) &&
           x->overwrite == y->overwrite;
}

static bool same_name(const void *a, const void *b)
{
    return oph__equal(a, b);
}

/* A later definition in the same class takes the earlier one's place. */
static void add(struct tables *t, int table, const char *key, const void *item, int since,
                size_t kin)
{
    struct table *to = &t->at[table];
    struct entry *entry = oph__map_get(&to->by_key, key);
    struct candidate *c = oph__arena_get(&t->arena, sizeof *c);

    if (!entry && (entry = oph__arena_get(&t->arena, sizeof *entry))) {
        entry->key = key;
        if (!oph__map_set(&to->by_key, key, entry) || !oph__vec_add(&to->entries, entry))
            t->failed = true;
    }
    if (!entry || !c) {
        t->failed = true;
        return;
    }
    *c = (struct candidate){.item = item, .since = since, .kin = kin};
    if (entry->last && entry->last->kin == kin && (table == STAGE || table == CYCLE))
        entry->last->item = item;
    else if (entry->last)
        entry->last = entry->last->next = c;
    else
        entry->first = entry->last = c;
}

static const char *stage_key(struct tables *t, const struct oph__stageword *word)
{
    const char *where = *word->step ? word->step : word->child;
    size_t child = strlen(where), key = strlen(word->key);
    char *text = oph__arena_get(&t->arena, child + key + 2);

    if (!text) {
        t->failed = true;
        return "";
    }
    memcpy(text, where, child);
    text[child] = ' ';
    memcpy(text + child + 1, word->key, key);
    return text;
}

static void gather(struct tables *t, const struct oph__lineage *lin)
{
    *t = (struct tables){.at = {[ROWS] = {.what = "attribute", .same = same_row},
                                [DEVS] = {.what = "device", .same = same_dev},
                                [STAGE] = {.what = "setting", .same = same_stage},
                                [CYCLE] = {.what = "setting of the cycle", .same = same_stage},
                                [FILES] = {.what = "files", .same = same_files},
                                [TRIGGER] = {.what = "trigger", .same = same_name},
                                [PLUGIN] = {.what = "plugin", .same = same_name}}};
    for (size_t k = 0; k < lin->count && !t->failed; k++) {
        const struct oph__classdef *def = lin->kin[k].def;
        for (size_t i = 0; i < def->rows.count; i++) {
            const struct oph__row *row = def->rows.at[i];
            add(t, ROWS, row->attr, row, row->since, k);
        }
        for (size_t i = 0; i < def->devs.count; i++) {
            const struct oph__devrow *dev = def->devs.at[i];
            add(t, DEVS, dev->attr, dev, 0, k);
        }
        for (size_t i = 0; i < def->stage.count; i++) {
            const struct oph__stageword *word = def->stage.at[i];
            add(t, STAGE, stage_key(t, word), word, 0, k);
        }
        for (size_t i = 0; i < def->cycle.count; i++) {
            const struct oph__stageword *word = def->cycle.at[i];
            add(t, CYCLE, stage_key(t, word), word, 0, k);
        }
        for (size_t i = 0; i < def->files.count; i++) {
            const struct oph__filesrow *files = def->files.at[i];
            add(t, FILES, files->child, files, 0, k);
        }
        if (def->trigger) add(t, TRIGGER, "", def->trigger, 0, k);
        if (def->plugin_type) add(t, PLUGIN, "", def->plugin_type, 0, k);
    }
}

static void drop(struct tables *t)
{
    for (int i = 0; i < TABLES; i++) {
        oph__vec_free(&t->at[i].entries);
        oph__map_free(&t->at[i].by_key);
    }
    oph__arena_free(&t->arena);
}

/* Whether the candidate exists at the version wanted of its class, or `at` where none is. */
static bool exists(const struct candidate *c, const struct oph__lineage *lin, int at)
{
    int version = lin->kin[c->kin].version;

    if (!version) version = at;
    return !version || c->since <= version;
}

static bool has(uint64_t set, size_t kin)
{
    return set >> kin & 1;
}

/* The winner, or NULL; *ret_rival is one that contradicts it, or NULL. */
static const struct candidate *choose(const struct table *table, const struct entry *entry,
                                      const struct oph__lineage *lin, int at,
                                      const struct candidate **ret_rival)
{
    const struct candidate *winner = NULL;
    uint64_t replaced = 0, outdone = 0;
    int newest = -1;

    *ret_rival = NULL;
    for (const struct candidate *c = entry->first; c; c = c->next)
        if (c->since == 0) replaced |= lin->kin[c->kin].above;
    for (const struct candidate *c = entry->first; c; c = c->next)
        if (exists(c, lin, at) && !has(replaced, c->kin) && c->since > newest) newest = c->since;
    for (const struct candidate *c = entry->first; c; c = c->next)
        if (c->since == newest && exists(c, lin, at)) outdone |= lin->kin[c->kin].above;
    for (const struct candidate *c = entry->first; c; c = c->next) {
        if (c->since != newest || !exists(c, lin, at) || has(replaced | outdone, c->kin)) continue;
        if (!winner)
            winner = c;
        else if (!table->same(winner->item, c->item))
            *ret_rival = c;
    }
    return winner;
}

static void report_conflict(const struct table *table, const struct entry *entry,
                            const struct oph__lineage *lin, int at, const char *name,
                            struct oph__place place, struct oph__mistakes *m)
{
    const struct candidate *rival, *winner = choose(table, entry, lin, at, &rival);

    if (rival)
        oph__mistake(m, place,
                     "%s: %s and %s define %s%s%s differently: a class that derives from both must "
                     "define it too",
                     name, lin->kin[winner->kin].def->name, lin->kin[rival->kin].def->name,
                     table->what, *entry->key ? " " : "", entry->key + strspn(entry->key, " "));
}

/* A files line in place of an ancestor's that named two folders names two as well: one of them
 * alone would not go with the other. */
static void report_half(const struct entry *entry, const struct table *table,
                        const struct oph__lineage *lin, const char *name, struct oph__place place,
                        struct oph__mistakes *m)
{
    const struct candidate *rival, *winner = choose(table, entry, lin, 0, &rival);
    const struct oph__filesrow *row = winner->item;

    for (const struct candidate *c = entry->first; c && !row->read; c = c->next) {
        const struct oph__filesrow *former = c->item;
        if (!has(lin->kin[winner->kin].above, c->kin) || !former->read) continue;
        oph__mistake(m, place,
                     "%s: files %s: %s says both write= and read=, so read= has to be said again",
                     name, *entry->key ? entry->key : ".", lin->kin[c->kin].def->name);
        return;
    }
}

static void find_conflicts(const struct tables *t, const struct oph__lineage *lin,
                           bool all_versions, const char *name, struct oph__place place,
                           struct oph__mistakes *m)
{
    for (int i = 0; i < TABLES; i++) {
        const struct table *table = &t->at[i];
        for (size_t j = 0; j < table->entries.count; j++) {
            const struct entry *entry = table->entries.at[j];
            size_t before = m->count;
            if (entry->first == entry->last) continue;
            report_conflict(table, entry, lin, 0, name, place, m);
            if (i == FILES && m->count == before) report_half(entry, table, lin, name, place, m);
            for (const struct candidate *c = entry->first; all_versions && c && m->count == before;
                 c = c->next)
                report_conflict(table, entry, lin, c->since ? c->since : OLDEST, name, place, m);
        }
    }
}

void oph__class_conflicts(const struct oph__lineage *lin, const char *name, struct oph__place at,
                          struct oph__mistakes *m)
{
    struct tables t;

    gather(&t, lin);
    if (t.failed)
        m->memory = true;
    else
        find_conflicts(&t, lin, true, name, at, m);
    drop(&t);
}

/* The next release, after `at`, from which a candidate stands; 0: none. */
static int next_since(const struct entry *entry, int at)
{
    int next = 0;

    for (const struct candidate *c = entry->first; c; c = c->next)
        if (c->since > at && (!next || c->since < next)) next = c->since;
    return next;
}

bool oph__class_forms(const struct oph__lineage *lin, struct oph__arena *arena,
                      struct oph__vec *ret)
{
    const struct candidate *rival;
    struct tables t;

    gather(&t, lin);
    bool ok = !t.failed;
    for (size_t i = 0; i < t.at[ROWS].entries.count; i++) {
        const struct entry *entry = t.at[ROWS].entries.at[i];
        struct oph__form *form = NULL;
        for (int at = OLDEST; ok && at; at = next_since(entry, at)) {
            const struct candidate *won = choose(&t.at[ROWS], entry, lin, at, &rival);
            const struct oph__row *row = won ? won->item : NULL;
            if (form && row == form->row) continue;
            if (form) form->until = at;
            form = NULL;
            if (!row || row->how == OPH__GONE) continue;
            form = oph__arena_get(arena, sizeof *form);
            ok = form && oph__vec_add(ret, form);
            if (ok) *form = (struct oph__form){.row = row, .since = at == OLDEST ? 0 : at};
        }
    }
    drop(&t);
    return ok;
}

static bool fill_rows(struct oph__class *cls, const struct tables *t,
                      const struct oph__lineage *lin)
{
    const struct table *table = &t->at[ROWS];
    const struct candidate *rival;
    bool ok = true;

    for (size_t i = 0; i < table->entries.count && ok; i++) {
        const struct entry *entry = table->entries.at[i];
        const struct candidate *won = choose(table, entry, lin, 0, &rival);
        /* What this version lacks came later, or is gone. */
        const struct oph__row *row = won ? won->item : entry->first->item;
        if (won && row->how != OPH__GONE)
            ok = oph__vec_add(&cls->rows, (void *)row) &&
                 oph__map_set(&cls->by_attr, row->attr, (void *)row);
        else
            ok = oph__vec_add(&cls->others, (void *)row);
    }
    return ok;
}

static bool fill_vec(struct oph__vec *vec, const struct table *table,
                     const struct oph__lineage *lin)
{
    const struct candidate *rival;
    bool ok = true;

    for (size_t i = 0; i < table->entries.count && ok; i++)
        ok = oph__vec_add(vec, (void *)choose(table, table->entries.at[i], lin, 0, &rival)->item);
    return ok;
}

static const char *fill_name(const struct table *table, const struct oph__lineage *lin)
{
    const struct candidate *rival;

    return table->entries.count ? choose(table, table->entries.at[0], lin, 0, &rival)->item : NULL;
}

static bool has_text(const struct oph__vec *vec, const char *text)
{
    for (size_t i = 0; i < vec->count; i++)
        if (strcmp(vec->at[i], text) == 0) return true;
    return false;
}

static bool fill_lineage(struct oph__class *cls, const struct oph__lineage *lin)
{
    bool ok = true;

    cls->doc = "";
    cls->kind = OPH_KIND_NORMAL | OPH_KIND_CONFIG;
    for (size_t k = 0; k < lin->count; k++) {
        const struct oph__classdef *def = lin->kin[k].def;
        ok = ok && oph__vec_add(&cls->names, (void *)def->name);
        for (size_t i = 0; i < def->hooks.count && ok; i++)
            ok = has_text(&cls->hooks, def->hooks.at[i]) ||
                 oph__vec_add(&cls->hooks, def->hooks.at[i]);
        /* The doc of a mixin says what it adds, not what the device is. */
        if (def->doc && (def->mixin == OPH__MIX_NO || !*cls->doc)) cls->doc = def->doc;
        if (def->kind) cls->kind = *def->kind;
        if (lin->kin[k].version && !cls->version) cls->version = lin->kin[k].version;
    }
    return ok;
}

static struct oph__class *make(const struct oph__lineage *lin, const struct tables *t,
                               const char *name)
{
    struct oph__class *cls = calloc(1, sizeof *cls);

    if (!cls) return NULL;
    cls->name = oph__dup(name);
    cls->trigger = fill_name(&t->at[TRIGGER], lin);
    cls->plugin_type = fill_name(&t->at[PLUGIN], lin);
    if (cls->name && fill_lineage(cls, lin) && fill_rows(cls, t, lin) &&
        fill_vec(&cls->devs, &t->at[DEVS], lin) && fill_vec(&cls->stage, &t->at[STAGE], lin) &&
        fill_vec(&cls->cycle, &t->at[CYCLE], lin) && fill_vec(&cls->files, &t->at[FILES], lin))
        return cls;
    oph__class_free(cls);
    return NULL;
}

int oph__class_make(const struct oph__lineage *lin, const char *name, struct oph__class **ret,
                    oph_error *err)
{
    struct oph__mistakes m = {0};
    struct oph__class *cls = NULL;
    struct tables t;

    gather(&t, lin);
    if (!t.failed) find_conflicts(&t, lin, false, name, (struct oph__place){0}, &m);
    if (!t.failed && !m.count) cls = make(lin, &t, name);
    drop(&t);
    if (m.count) return oph__fail_text(err, OPH_EPARSE, "%s", m.first.text);
    if (!cls) return oph__fail_memory(err, name);
    *ret = cls;
    return 0;
}

void oph__class_free(struct oph__class *cls)
{
    if (!cls) return;
    oph__vec_free(&cls->rows);
    oph__map_free(&cls->by_attr);
    oph__vec_free(&cls->others);
    oph__vec_free(&cls->devs);
    oph__vec_free(&cls->stage);
    oph__vec_free(&cls->cycle);
    oph__vec_free(&cls->files);
    oph__vec_free(&cls->hooks);
    oph__vec_free(&cls->names);
    free((char *)cls->name);
    free(cls);
}
