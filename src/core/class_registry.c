/* The registry: all classes that are known, under one lock. */
#include "core/class_parts.h"
#include <stdlib.h>
#include <string.h>

int oph__classes_new(oph__known_fn *known, void *user, struct oph__classes **ret, oph_error *err)
{
    struct oph__classes *classes = calloc(1, sizeof *classes);

    if (!classes) return oph__fail_memory(err, "the classes");
    if (pthread_mutex_init(&classes->lock, NULL)) {
        free(classes);
        return oph__fail_text(err, OPH_ESYSTEM, "no lock for the classes");
    }
    classes->known = known;
    classes->user = user;
    classes->maker.scope = &classes->scope;
    *ret = classes;
    return 0;
}

static void scope_free(struct oph__scope *scope)
{
    oph__map_free(&scope->by_name);
    oph__vec_free(&scope->defs);
}

void oph__classes_free(struct oph__classes *classes)
{
    if (!classes) return;
    oph__maker_free(&classes->maker);
    oph__shelf_free(classes->scope.shelf);
    scope_free(&classes->scope);
    for (size_t i = 0; i < classes->sources.count; i++) {
        oph__class_source_free(classes->sources.at[i]);
        free(classes->sources.at[i]);
    }
    oph__vec_free(&classes->sources);
    pthread_mutex_destroy(&classes->lock);
    free(classes);
}

int oph__classes_shelve(struct oph__classes *classes, const struct oph__class_text *texts,
                        oph_error *err)
{
    classes->scope.shelf = oph__shelf_new(texts, classes->known, classes->user);
    return classes->scope.shelf ? 0 : oph__fail_memory(err, "the classes");
}

size_t oph__classes_texts_read(struct oph__classes *classes)
{
    pthread_mutex_lock(&classes->lock);
    size_t count = oph__shelf_read(classes->scope.shelf);
    pthread_mutex_unlock(&classes->lock);
    return count;
}

static void scope_add(struct oph__scope *scope, struct oph__classdef *def, struct oph__mistakes *m)
{
    const struct oph__classdef *before = oph__scope_get(scope, def->name);

    if (before) {
        oph__mistake(m, def->at, "class %s is defined twice, first in %s:%d", def->name,
                     before->at.origin, before->at.line);
        def->state = OPH__BAD;
    } else if (oph__shelf_failed(scope->shelf, NULL)) {
        m->memory = true;
    } else if (!oph__map_set(&scope->by_name, def->name, def) || !oph__vec_add(&scope->defs, def)) {
        m->memory = true;
    }
}

/* A text is checked in a scope of its own, which becomes the registry's when all is well. */
static int parse_locked(struct oph__classes *classes, const char *text, const char *origin,
                        struct oph__mistakes *m)
{
    struct oph__class_source *source = calloc(1, sizeof *source);
    struct oph__scope scope = {.shelf = classes->scope.shelf};
    struct oph__maker maker = {.scope = &scope};

    if (!source) return OPH_ENOMEM;
    oph__class_source_read(source, text, origin, classes->known, classes->user, m);
    for (size_t i = 0; i < classes->scope.defs.count; i++)
        scope_add(&scope, classes->scope.defs.at[i], m);
    for (size_t i = 0; i < source->defs.count; i++)
        scope_add(&scope, source->defs.at[i], m);
    if (!m->memory) oph__class_source_check(source, &maker, m);
    oph__maker_free(&maker);
    if (m->memory || m->count || !oph__vec_add(&classes->sources, source)) {
        scope_free(&scope);
        oph__class_source_free(source);
        free(source);
        return m->count && !m->memory ? OPH_EPARSE : OPH_ENOMEM;
    }
    scope_free(&classes->scope);
    classes->scope = scope;
    return 0;
}

int oph__classes_parse(struct oph__classes *classes, const char *text, const char *origin,
                       oph_report **ret_report, oph_error *err)
{
    struct oph__mistakes m = {.report = oph__report_new()};

    if (!origin || !*origin) origin = "text";
    if (!text)
        oph__mistake(&m, (struct oph__place){0}, "%s: wanted the text of classes, found NULL",
                     origin);
    pthread_mutex_lock(&classes->lock);
    int rc = text ? parse_locked(classes, text, origin, &m) : OPH_EINVAL;
    pthread_mutex_unlock(&classes->lock);
    oph__mistakes_end(&m, origin);
    if (rc == OPH_ENOMEM)
        oph__fail_memory(err, origin);
    else if (rc && err)
        *err = m.first;
    if (rc == OPH_EINVAL && err) err->code = rc;
    oph__report_give(m.report, ret_report);
    return rc;
}

/* Several names joined make a class that no text has, so it is checked here. With a version it may
 * lack rows that its settings name: that IOC lacks them. */
static int check_joined(struct oph__classes *classes, const struct oph__class *cls, oph_error *err)
{
    struct oph__mistakes m = {0};

    if (!strchr(cls->name, ' ')) return 0;
    oph__class_check(&classes->maker, cls, &m);
    if (m.memory) return oph__fail_memory(err, cls->name);
    return m.count ? oph__fail_text(err, OPH_EPARSE, "%s", m.first.text) : 0;
}

int oph__classes_get(struct oph__classes *classes, const char *expression, int version,
                     const struct oph__class **ret, oph_error *err)
{
    const struct oph__class *cls = NULL;

    if (!expression)
        return oph__fail_text(err, OPH_EINVAL, "wanted the name of a class, found NULL");
    pthread_mutex_lock(&classes->lock);
    int rc = oph__maker_get(&classes->maker, expression, version, &cls, err);
    if (!rc && !version) rc = check_joined(classes, cls, err);
    pthread_mutex_unlock(&classes->lock);
    if (!rc) *ret = cls;
    return rc;
}

bool oph__class_is(const struct oph__class *cls, const char *name)
{
    for (size_t i = 0; i < cls->names.count; i++)
        if (strcmp(cls->names.at[i], name) == 0) return true;
    return false;
}

const struct oph__row *oph__class_row(const struct oph__class *cls, const char *attr)
{
    return oph__map_get(&cls->by_attr, attr);
}
