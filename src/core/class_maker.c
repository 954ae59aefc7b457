/* Class expressions made whole, each once. */
#include "base/str.h"
#include "core/class_parts.h"
#include <stdlib.h>

/* The expression with aliases resolved, "HDF5Plugin@3.4 FileStore", so that a name has one meaning
 * also when a class that looks like an alias is defined later. */
static char *canonical(const struct oph__scope *scope, const struct oph__vec *refs)
{
    struct oph__buf buf = {0};

    for (size_t i = 0; i < refs->count; i++) {
        const struct oph__ref *ref = refs->at[i];
        int version;
        const struct oph__classdef *def = oph__scope_find(scope, *ref, &version);
        oph__buf_addf(&buf, "%s%s", i ? " " : "", def ? def->name : ref->name);
        if (version) oph__buf_addf(&buf, "@%d.%d", version / 1000, version % 1000);
    }
    if (buf.failed) oph__buf_free(&buf);
    return buf.text;
}

static int make_new(struct oph__maker *maker, const struct oph__vec *refs, const char *name,
                    int version, const char *key, const struct oph__class **ret, oph_error *err)
{
    struct oph__lineage lin;
    struct oph__class *cls;

    int rc = oph__lineage_build(maker->scope, refs, version, &lin, err);
    if (!rc) rc = oph__class_make(&lin, name, &cls, err);
    if (rc) return rc;
    if (!cls->version) cls->version = version;
    if (!oph__vec_add(&maker->all, cls)) {
        oph__class_free(cls);
        return oph__fail_memory(err, name);
    }
    if (!oph__map_set(&maker->by_key, key, cls)) {
        maker->all.count--;
        oph__class_free(cls);
        return oph__fail_memory(err, name);
    }
    *ret = cls;
    return 0;
}

int oph__maker_get(struct oph__maker *maker, const char *expression, int version,
                   const struct oph__class **ret, oph_error *err)
{
    struct oph__arena arena = {0};
    struct oph__vec refs = {0};
    char *name = NULL, *key = NULL;

    int rc = oph__refs_read(&arena, expression, &refs, err);
    if (!rc && refs.count == 0)
        rc = oph__fail_text(err, OPH_EPARSE, "wanted the name of a class, found nothing");
    if (!rc &&
        (!(name = canonical(maker->scope, &refs)) || !(key = oph__dupf("%s %d", name, version))))
        rc = oph__fail_memory(err, expression);
    if (!rc) {
        const struct oph__class *known = oph__map_get(&maker->by_key, key);
        if (known)
            *ret = known;
        else
            rc = make_new(maker, &refs, name, version, key, ret, err);
    }
    free(name);
    free(key);
    oph__vec_free(&refs);
    oph__arena_free(&arena);
    return rc;
}

void oph__maker_free(struct oph__maker *maker)
{
    for (size_t i = 0; i < maker->all.count; i++)
        oph__class_free(maker->all.at[i]);
    oph__vec_free(&maker->all);
    oph__map_free(&maker->by_key);
}
