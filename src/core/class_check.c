/* A new text checked whole: what its classes derive from, what their settings and orders name. */
#include "base/str.h"
#include "core/class_parts.h"
#include <string.h>

/* A device in the tree that a class makes. */
struct node {
    const struct oph__class *cls;
    const struct node *parent; /* NULL: what is above is not known */
    struct oph__place at;      /* the class's line, or its device's */
    size_t suffix;             /* characters that stand before the suffixes of its rows */
    size_t depth;
};

struct checker {
    struct oph__maker *maker;
    struct oph__mistakes *m;
    const struct oph__classdef *def; /* the class that is being checked; NULL: an expression */
    const struct oph__class *top;    /* the same, made whole */
    size_t devices;
    struct oph__arena arena;
    struct oph__vec said; /* struct said */
};

/* A mistake is said once, not again for each class that inherits it. */
struct said {
    const void *item;
    const char *top;
};

enum { DEEPEST = 16, MOST_DEVICES = 1000, MOST_STEPS = 64 };

/* A mixin's settings name rows that others bring: only the two together can be checked. */
static bool is_mixin(const struct oph__class *cls)
{
    return cls->rows.count + cls->others.count + cls->devs.count == 0;
}

static bool was_said(struct checker *ck, const struct node *node, const void *item)
{
    for (size_t i = 0; i < ck->said.count; i++) {
        const struct said *said = ck->said.at[i];
        if (said->item == item &&
            (oph__class_is(ck->top, said->top) || oph__class_is(node->cls, said->top)))
            return true;
    }
    struct said *now = oph__arena_get(&ck->arena, sizeof *now);
    if (!now || !oph__vec_add(&ck->said, now)) {
        ck->m->memory = true;
        return true;
    }
    *now = (struct said){.item = item, .top = ck->top->name};
    return false;
}

static bool contains(const struct oph__vec *vec, const void *item)
{
    for (size_t i = 0; i < vec->count; i++)
        if (vec->at[i] == item) return true;
    return false;
}

/* The line to blame: the item's own where the class at hand has it, else that of the class or
 * device which brings it together with what it does not fit. */
static struct oph__place blame(const struct checker *ck, const struct node *node, const void *item,
                               const char *origin, int line)
{
    const struct oph__classdef *def = node->parent ? NULL : ck->def;

    if (def &&
        (contains(&def->rows, item) || contains(&def->stage, item) || contains(&def->cycle, item) ||
         contains(&def->files, item) || contains(&def->devs, item)))
        return (struct oph__place){origin, line};
    return node->at;
}

static const struct oph__class *class_of(struct checker *ck, const struct oph__devrow *dev)
{
    const struct oph__class *cls = NULL;

    /* What is wrong with the device's class was said at its own line. */
    if (oph__maker_get(ck->maker, dev->classes, 0, &cls, NULL) == OPH_ENOMEM) ck->m->memory = true;
    return cls;
}

static const struct oph__devrow *find_dev(const struct oph__class *cls, const char *attr,
                                          size_t len)
{
    for (size_t i = 0; i < cls->devs.count; i++) {
        const struct oph__devrow *dev = cls->devs.at[i];
        if (strlen(dev->attr) == len && memcmp(dev->attr, attr, len) == 0) return dev;
    }
    return NULL;
}

static const struct oph__row *find_other(const struct oph__class *cls, const char *attr)
{
    for (size_t i = 0; i < cls->others.count; i++) {
        const struct oph__row *row = cls->others.at[i];
        if (strcmp(row->attr, attr) == 0) return row;
    }
    return NULL;
}

/* Writes why the class has no such row. */
static void no_row(const struct oph__class *cls, const char *attr, char *why, size_t size)
{
    const struct oph__row *other = find_other(cls, attr);
    struct oph__near near = {.word = attr};
    char nearest[160];

    if (other) {
        oph__format(why, size, "%s has %s only %s %d.%d", cls->name, attr,
                    other->how == OPH__GONE ? "before" : "since", other->since / 1000,
                    other->since % 1000);
        return;
    }
    for (size_t i = 0; i < cls->rows.count; i++)
        oph__near_try(&near, ((const struct oph__row *)cls->rows.at[i])->attr);
    oph__format(why, size, "%s has no attribute %s%s", cls->name, attr,
                oph__near_text(&near, nearest, sizeof nearest));
}

/* Follows a path from the node; false and why when it leads to no row. What lies above the topmost
 * class cannot be known yet. */
static bool leads_to_row(struct checker *ck, const struct node *from, const char *path, char *why,
                         size_t size)
{
    struct node steps[DEEPEST];
    size_t taken = 0;

    for (;;) {
        size_t len = strcspn(path, ".");
        const struct oph__devrow *dev = find_dev(from->cls, path, len);
        bool up = len == 6 && memcmp(path, "parent", 6) == 0;
        if (up && !from->parent) return true;
        if ((up || dev) && path[len] == '\0') {
            oph__format(why, size, "%s is a device", path);
            return false;
        }
        if (up) {
            from = from->parent;
        } else if (dev) {
            const struct oph__class *cls = class_of(ck, dev);
            if (!cls || taken == DEEPEST) return true;
            steps[taken] = (struct node){.cls = cls, .parent = from};
            from = &steps[taken++];
        } else {
            bool there = oph__map_get(&from->cls->by_attr, path) != NULL;
            if (!there) no_row(from->cls, path, why, size);
            return there;
        }
        path += len + 1;
    }
}

static void check_settings(struct checker *ck, const struct node *node,
                           const struct oph__vec *words)
{
    char path[400], why[400], where[200];

    for (size_t i = 0; i < words->count; i++) {
        const struct oph__stageword *word = words->at[i];
        oph__format(path, sizeof path, "%s%s%s", word->child, *word->child ? "." : "", word->key);
        if (leads_to_row(ck, node, path, why, sizeof why) || was_said(ck, node, word)) continue;
        struct oph__place at = blame(ck, node, word, word->origin, word->line);
        *where = '\0';
        if (at.line != word->line || !oph__equal(at.origin, word->origin))
            oph__format(where, sizeof where, " (of %s:%d)", word->origin, word->line);
        oph__mistake(ck->m, at, "%s: setting %s%s: %s", node->cls->name, path, where, why);
    }
}

static void check_files(struct checker *ck, const struct node *node)
{
    for (size_t i = 0; i < node->cls->files.count; i++) {
        const struct oph__filesrow *files = node->cls->files.at[i];
        if (!*files->child || find_dev(node->cls, files->child, strlen(files->child)) ||
            was_said(ck, node, files))
            continue;
        oph__mistake(ck->m, blame(ck, node, files, files->origin, files->line),
                     "%s: files %s: %s has no device %s", node->cls->name, files->child,
                     node->cls->name, files->child);
    }
}

/* One name is one thing: a row, a device, or what comes before the dot of rows. */
static void check_names(struct checker *ck, const struct node *node)
{
    const struct oph__class *cls = node->cls;
    char before[OPH__MAX_ATTR + 1];

    for (size_t i = 0; i < cls->devs.count; i++) {
        const struct oph__devrow *dev = cls->devs.at[i];
        if (oph__map_get(&cls->by_attr, dev->attr) && !was_said(ck, node, dev))
            oph__mistake(ck->m, blame(ck, node, dev, dev->origin, dev->line),
                         "%s: %s is a device and a row", cls->name, dev->attr);
    }
    for (size_t i = 0; i < cls->rows.count; i++) {
        const struct oph__row *row = cls->rows.at[i];
        for (const char *dot = strchr(row->attr, '.'); dot; dot = strchr(dot + 1, '.')) {
            oph__format(before, sizeof before, "%.*s", (int)(dot - row->attr), row->attr);
            bool dev = find_dev(cls, before, strlen(before)) != NULL;
            if ((dev || oph__map_get(&cls->by_attr, before)) && !was_said(ck, node, row))
                oph__mistake(ck->m, blame(ck, node, row, row->origin, row->line),
                             "%s: row %s: %s is a %s", cls->name, row->attr, before,
                             dev ? "device" : "row");
        }
    }
}

/* The next name of a list with commas, or NULL at its end. */
static const char *next_name(const char **list, char *name, size_t size)
{
    size_t len = strcspn(*list, ",");

    if (len == 0) return NULL;
    oph__format(name, size, "%.*s", (int)len, *list);
    *list += len;
    *list += **list == ',';
    return name;
}

/* Whether the row comes after itself. Rows that were found to end are kept in `ends`. */
static bool comes_back(struct checker *ck, const struct oph__class *cls, const struct oph__row *row,
                       const struct oph__row *start, struct oph__map *ends, size_t depth)
{
    char name[OPH__MAX_ATTR + 1];
    const char *list = row->after;

    if (oph__map_get(ends, row->attr)) return false;
    if (depth == MOST_STEPS) return true;
    while (list && next_name(&list, name, sizeof name)) {
        const struct oph__row *before = oph__map_get(&cls->by_attr, name);
        if (before && (before == start || comes_back(ck, cls, before, start, ends, depth + 1)))
            return true;
    }
    if (!oph__map_set(ends, row->attr, (void *)row)) ck->m->memory = true;
    return false;
}

static void check_after(struct checker *ck, const struct node *node)
{
    const struct oph__class *cls = node->cls;
    char name[OPH__MAX_ATTR + 1], why[400];
    struct oph__map ends = {0};

    for (size_t i = 0; i < cls->rows.count; i++) {
        const struct oph__row *row = cls->rows.at[i];
        const char *list = row->after;
        struct oph__place at = {row->origin, row->line};
        while (list && next_name(&list, name, sizeof name)) {
            if (oph__map_get(&cls->by_attr, name) || find_other(cls, name) ||
                was_said(ck, node, row))
                continue;
            no_row(cls, name, why, sizeof why);
            oph__mistake(ck->m, at, "row %s: after=%s: %s", row->attr, name, why);
        }
        if (row->after && comes_back(ck, cls, row, row, &ends, 0) && !was_said(ck, node, row))
            oph__mistake(ck->m, at, "row %s: after=%s comes back to %s", row->attr, row->after,
                         row->attr);
    }
    oph__map_free(&ends);
}

static void check_lengths(struct checker *ck, const struct node *node)
{
    for (size_t i = 0; i < node->cls->rows.count; i++) {
        const struct oph__row *row = node->cls->rows.at[i];
        bool readback = row->how != OPH__RO && row->how != OPH__RW;
        size_t len = node->suffix + strcspn(row->suffix, ".") + (readback ? strlen("_RBV") : 0);
        if (node->suffix && len > OPH__LONGEST_PV && !was_said(ck, node, row))
            oph__mistake(ck->m, node->at,
                         "%s: row %s makes a PV name of %zu characters: the most is %d",
                         node->cls->name, row->attr, len, OPH__LONGEST_PV);
    }
}

static void check_node(struct checker *ck, const struct node *node);

static void check_devs(struct checker *ck, const struct node *node)
{
    for (size_t i = 0; i < node->cls->devs.count; i++) {
        const struct oph__devrow *dev = node->cls->devs.at[i];
        const struct oph__class *cls = class_of(ck, dev);
        const struct node *same = node;
        if (!cls) continue;
        struct oph__place at = blame(ck, node, dev, dev->origin, dev->line);
        while (same && same->cls != cls)
            same = same->parent;
        if (same || node->depth == DEEPEST || ++ck->devices > MOST_DEVICES) {
            if (!was_said(ck, node, dev))
                oph__mistake(ck->m, at, "%s: device %s %s", node->cls->name, dev->attr,
                             same                         ? "contains itself"
                             : ck->devices > MOST_DEVICES ? "is one of more than 1000"
                                                          : "lies more than 16 devices deep");
            continue;
        }
        struct node child = {.cls = cls,
                             .parent = node,
                             .at = at,
                             .suffix = node->suffix + strlen(dev->suffix),
                             .depth = node->depth + 1};
        check_node(ck, &child);
    }
}

static void check_node(struct checker *ck, const struct node *node)
{
    check_names(ck, node);
    check_after(ck, node);
    check_lengths(ck, node);
    check_settings(ck, node, &node->cls->stage);
    check_settings(ck, node, &node->cls->cycle);
    check_files(ck, node);
    check_devs(ck, node);
}

static void check_tree(struct checker *ck, const struct oph__class *cls, struct oph__place at)
{
    struct node top = {.cls = cls, .at = at};

    if (is_mixin(cls)) return;
    ck->top = cls;
    ck->devices = 0;
    check_node(ck, &top);
}

static void end(struct checker *ck)
{
    oph__vec_free(&ck->said);
    oph__arena_free(&ck->arena);
}

void oph__class_check(struct oph__maker *maker, const struct oph__class *cls,
                      struct oph__mistakes *m)
{
    struct checker ck = {.maker = maker, .m = m};

    check_tree(&ck, cls, (struct oph__place){0});
    end(&ck);
}

static void check_bases(const struct checker *ck, struct oph__classdef *def)
{
    char nearest[80];
    int version;

    for (size_t i = 0; i < def->bases.count; i++) {
        struct oph__ref *ref = def->bases.at[i];
        const struct oph__classdef *base = oph__scope_find(ck->maker->scope, *ref, &version);
        if (base) { /* from now on, also if a class with the alias's name comes later */
            *ref = (struct oph__ref){base->name, version};
            continue;
        }
        if (oph__shelf_failed(ck->maker->scope->shelf, NULL)) {
            ck->m->memory = true;
            return;
        }
        struct oph__near near = {.word = ref->name};
        oph__scope_near(ck->maker->scope, &near);
        oph__mistake(ck->m, def->at, "class %s: there is no class %s%s", def->name, ref->name,
                     oph__near_text(&near, nearest, sizeof nearest));
        def->state = OPH__BAD;
    }
}

/* Bases first, so that what is wrong with one is not said of all that derive from it. */
static void check_lineage(struct checker *ck, struct oph__classdef *def, size_t depth)
{
    struct oph__ref self = {.name = def->name};
    struct oph__vec refs = {0};
    struct oph__lineage lin;
    oph_error err = OPH_ERROR_INIT;
    size_t before = ck->m->count;
    int version;

    if (def->state != OPH__UNCHECKED) return;
    def->state = OPH__CHECKING;
    for (size_t i = 0; i < def->bases.count && depth < OPH__MAX_KIN; i++) {
        const struct oph__ref *ref = def->bases.at[i];
        check_lineage(ck, oph__scope_find(ck->maker->scope, *ref, &version), depth + 1);
    }
    if (!oph__vec_add(&refs, &self)) {
        ck->m->memory = true;
        return;
    }
    int rc = oph__lineage_build(ck->maker->scope, &refs, 0, &lin, &err);
    oph__vec_free(&refs);
    if (rc && *err.text) oph__mistake(ck->m, def->at, "%s", err.text);
    if (!rc) oph__class_conflicts(&lin, def->name, def->at, ck->m);
    def->state = rc || ck->m->count > before ? OPH__BAD : OPH__GOOD;
}

static void check_dev_classes(struct checker *ck, const struct oph__classdef *def)
{
    const struct oph__class *cls;
    oph_error err;

    for (size_t i = 0; i < def->devs.count; i++) {
        const struct oph__devrow *dev = def->devs.at[i];
        err = (oph_error)OPH_ERROR_INIT;
        int rc = oph__maker_get(ck->maker, dev->classes, 0, &cls, &err);
        if (rc == OPH_ENOMEM)
            ck->m->memory = true;
        else if (rc && *err.text)
            oph__mistake(ck->m, (struct oph__place){dev->origin, dev->line}, "device %s: %s",
                         dev->attr, err.text);
    }
}

void oph__class_source_check(const struct oph__class_source *source, struct oph__maker *maker,
                             struct oph__mistakes *m)
{
    struct checker ck = {.maker = maker, .m = m};

    for (size_t i = 0; i < source->defs.count; i++)
        check_bases(&ck, source->defs.at[i]);
    for (size_t i = 0; i < source->defs.count; i++)
        check_lineage(&ck, source->defs.at[i], 0);
    for (size_t i = 0; i < source->defs.count; i++)
        check_dev_classes(&ck, source->defs.at[i]);
    for (size_t i = 0; i < source->defs.count && !m->memory; i++) {
        const struct oph__class *cls;
        ck.def = source->defs.at[i];
        if (ck.def->state != OPH__GOOD) continue;
        if (oph__maker_get(maker, ck.def->name, 0, &cls, NULL) == 0)
            check_tree(&ck, cls, ck.def->at);
        else
            m->memory = true;
    }
    end(&ck);
}
