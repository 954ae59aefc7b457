/* Names to definitions, and a class with all its ancestors in order. */
#include "base/str.h"
#include "core/class_parts.h"
#include <string.h>

struct oph__classdef *oph__scope_get(const struct oph__scope *scope, const char *name)
{
    struct oph__classdef *def = oph__map_get(&scope->by_name, name);

    return def ? def : oph__shelf_find(scope->shelf, name);
}

struct oph__classdef *oph__scope_find(const struct oph__scope *scope, struct oph__ref ref,
                                      int *ret_version)
{
    struct oph__classdef *def = oph__scope_get(scope, ref.name);
    const char *tail = strrchr(ref.name, '_');
    char base[128];

    *ret_version = ref.version;
    if (def || ref.version || !tail || tail[1] != 'V' || (size_t)(tail - ref.name) >= sizeof base)
        return def;
    size_t digits = strspn(tail + 2, "0123456789");
    if (digits < 2 || digits > 4 || tail[2 + digits] != '\0') return NULL;
    memcpy(base, ref.name, (size_t)(tail - ref.name));
    base[tail - ref.name] = '\0';
    int number = 0;
    for (const char *c = tail + 3; *c; c++)
        number = 10 * number + *c - '0';
    *ret_version = 1000 * (tail[2] - '0') + number;
    return oph__scope_get(scope, base);
}

void oph__scope_near(const struct oph__scope *scope, struct oph__near *near)
{
    for (size_t i = 0, n = oph__shelf_count(scope->shelf); i < n; i++)
        oph__near_try(near, oph__shelf_name(scope->shelf, i));
    for (size_t i = 0; i < scope->defs.count; i++) {
        const struct oph__classdef *def = scope->defs.at[i];
        oph__near_try(near, def->name);
    }
}

int oph__refs_read(struct oph__arena *arena, const char *expression, struct oph__vec *refs,
                   oph_error *err)
{
    for (const char *p = expression + strspn(expression, " \t"); *p;) {
        size_t len = strcspn(p, " \t");
        char *name = oph__arena_dup(arena, p, len);
        struct oph__ref *ref = oph__arena_get(arena, sizeof *ref);
        if (!name || !ref || !oph__vec_add(refs, ref))
            return oph__fail_memory(err, "the classes' names");
        ref->name = name;
        char *version = strchr(name, '@');
        if (version) {
            *version++ = '\0';
            ref->version = oph__version_parse(version);
            if (ref->version <= 0) {
                refs->count--;
                return oph__fail_text(err, OPH_EPARSE,
                                      "class %s@%s: wanted a version like 3.4, found '%s'", name,
                                      version, version);
            }
        }
        if (!oph__is_class_name(name)) {
            refs->count--;
            return oph__fail_text(err, OPH_EPARSE, "'%s' is no class name", name);
        }
        p += len;
        p += strspn(p, " \t");
    }
    return 0;
}

struct climb {
    const struct oph__scope *scope;
    struct oph__lineage *lin;
    struct oph__classdef *path[OPH__MAX_KIN]; /* from the class asked for to the one at hand */
    size_t depth;
    oph_error *err;
};

/* A mixin brings settings and behaviour for the rows of others. Known once for all: what a class
 * derives from never changes. A cycle is found elsewhere and harms nothing here. */
static bool is_mixin(const struct oph__scope *scope, struct oph__classdef *def, size_t depth)
{
    if (def->mixin != OPH__MIX_UNKNOWN || depth > OPH__MAX_KIN) return def->mixin != OPH__MIX_NO;
    bool mixin = def->rows.count == 0 && def->devs.count == 0;
    def->mixin = OPH__MIX_YES;
    for (size_t i = 0; i < def->bases.count && mixin; i++) {
        int version;
        const struct oph__ref *ref = def->bases.at[i];
        struct oph__classdef *base = oph__scope_find(scope, *ref, &version);
        mixin = !base || is_mixin(scope, base, depth + 1);
    }
    def->mixin = mixin ? OPH__MIX_YES : OPH__MIX_NO;
    return mixin;
}

static int climb_refs(struct climb *c, const struct oph__vec *refs, int version,
                      uint64_t *ret_above);

static int fail_cycle(const struct climb *c, const struct oph__classdef *def)
{
    struct oph__buf names = {0};
    size_t i = 0;

    while (c->path[i] != def)
        i++;
    /* The classes that only lead to a cycle are not wrong themselves. */
    if (i > 0) {
        oph__fail_text(c->err, OPH_EPARSE, "%s", "");
        return OPH_EPARSE;
    }
    for (; i < c->depth; i++)
        oph__buf_addf(&names, "%s : ", c->path[i]->name);
    oph__fail_text(c->err, OPH_EPARSE, "class %s derives from itself: %s%s", def->name,
                   names.failed ? "" : names.text, def->name);
    oph__buf_free(&names);
    return OPH_EPARSE;
}

static void version_text(int version, char *dst, size_t size)
{
    if (version)
        oph__format(dst, size, "at %d.%d", version / 1000, version % 1000);
    else
        oph__copy(dst, size, "at no version");
}

static int climb_class(struct climb *c, struct oph__classdef *def, int version, uint64_t *ret_above)
{
    struct oph__lineage *lin = c->lin;
    char one[24], other[24];

    for (size_t i = 0; i < lin->count; i++) {
        if (lin->kin[i].def != def) continue;
        *ret_above |= lin->kin[i].above | (uint64_t)1 << i;
        if (lin->kin[i].version == version || def->mixin == OPH__MIX_YES) return 0;
        version_text(lin->kin[i].version, one, sizeof one);
        version_text(version, other, sizeof other);
        return oph__fail_text(c->err, OPH_EPARSE, "class %s is joined %s and %s: choose one",
                              def->name, one, other);
    }
    for (size_t i = 0; i < c->depth; i++)
        if (c->path[i] == def) return fail_cycle(c, def);
    if (def->state == OPH__BAD) return oph__fail_text(c->err, OPH_EPARSE, "%s", "");
    if (c->depth == OPH__MAX_KIN)
        return oph__fail_text(c->err, OPH_EPARSE, "class %s has more than %d ancestors",
                              c->path[0]->name, OPH__MAX_KIN - 1);
    uint64_t above = 0;
    c->path[c->depth++] = def;
    int rc = climb_refs(c, &def->bases, version, &above);
    c->depth--;
    if (rc) return rc;
    if (lin->count == OPH__MAX_KIN)
        return oph__fail_text(c->err, OPH_EPARSE, "more than %d classes joined, %s the last",
                              OPH__MAX_KIN, def->name);
    *ret_above |= above | (uint64_t)1 << lin->count;
    lin->kin[lin->count++] = (struct oph__kin){.def = def, .version = version, .above = above};
    return 0;
}

/* First the classes that have rows or devices, then the mixins. */
static int climb_refs(struct climb *c, const struct oph__vec *refs, int version,
                      uint64_t *ret_above)
{
    for (int mixins = 0; mixins < 2; mixins++) {
        for (size_t i = 0; i < refs->count; i++) {
            const struct oph__ref *ref = refs->at[i];
            int asked;
            struct oph__classdef *def = oph__scope_find(c->scope, *ref, &asked);
            if (!def && oph__shelf_failed(c->scope->shelf, c->err)) return c->err->code;
            if (!def) {
                struct oph__near near = {.word = ref->name};
                char nearest[80];
                oph__scope_near(c->scope, &near);
                return oph__fail_text(c->err, OPH_ENOTFOUND, "there is no class %s%s", ref->name,
                                      oph__near_text(&near, nearest, sizeof nearest));
            }
            if (is_mixin(c->scope, def, 0) != (mixins == 1)) continue;
            int rc = climb_class(c, def, asked ? asked : version, ret_above);
            if (rc) return rc;
        }
    }
    return 0;
}

int oph__lineage_build(const struct oph__scope *scope, const struct oph__vec *refs, int version,
                       struct oph__lineage *ret, oph_error *err)
{
    oph_error sink;
    struct climb c = {.scope = scope, .lin = ret, .err = err ? err : &sink};
    uint64_t above = 0;

    ret->count = 0;
    return climb_refs(&c, refs, version, &above);
}
