/* What classes and their rows are, for those who ask without an IOC. */
#include "base/str.h"
#include "core/class_parts.h"
#include "core/context.h"
#include <cophyd/class.h>
#include <stdlib.h>
#include <string.h>

struct oph_rows {
    struct oph__vec list; /* oph_row */
    struct oph__arena arena;
};

oph_rows *oph__rows_new(void)
{
    return calloc(1, sizeof(oph_rows));
}

size_t oph_rows_count(const oph_rows *rows)
{
    return rows ? rows->list.count : 0;
}

const oph_row *oph_rows_at(const oph_rows *rows, size_t index)
{
    return index < oph_rows_count(rows) ? rows->list.at[index] : NULL;
}

const oph_row *oph_rows_find(const oph_rows *rows, const char *attr)
{
    for (size_t i = 0; i < oph_rows_count(rows); i++) {
        const oph_row *row = rows->list.at[i];
        if (oph__equal(row->attr, attr)) return row;
    }
    return NULL;
}

void oph_rows_free(oph_rows *rows)
{
    if (!rows) return;
    oph__vec_free(&rows->list);
    oph__arena_free(&rows->arena);
    free(rows);
}

const char *oph_how_name(int32_t how)
{
    return how >= 0 && how < (int32_t)OPH__GONE ? oph__hows[how] : "?";
}

const char *oph_row_type_name(int32_t type)
{
    return type >= 0 && type <= (int32_t)OPH__ARRAY ? oph__rowtypes[type] : "?";
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

uint32_t oph__row_capacity(const struct oph__row *row)
{
    return row->type == OPH__TEXT && !row->length ? OPH__STRING_BYTES : row->length;
}

oph_row oph__row_public(const struct oph__row *row, int since, int until)
{
    bool single = row->how == OPH__RO || row->how == OPH__RW;
    const struct oph__labels *readback = row->readback.count ? &row->readback : &row->labels;
    return (oph_row){.class_name = row->owner,
                     .attr = row->attr,
                     .suffix = row->suffix,
                     .doc = row->doc,
                     .after = or_empty(row->after),
                     .how = (int32_t)row->how,
                     .type = (int32_t)row->type,
                     .elements = (int32_t)row->of,
                     .kind = oph__kind_flags(row->kind),
                     .flags = (row->busy ? OPH_ROW_BUSY : 0u) |
                              (row->counter ? OPH_ROW_COUNTER : 0u) |
                              (row->moves ? OPH_ROW_MOVES : 0u) | (row->main ? OPH_ROW_MAIN : 0u),
                     .since = since,
                     .until = until,
                     .capacity = oph__row_capacity(row),
                     .slow = row->slow,
                     .label_count = row->labels.count,
                     .labels = row->labels.at,
                     .readback_label_count = single ? row->labels.count : readback->count,
                     .readback_labels = readback->at,
                     .origin = row->origin,
                     .line = row->line};
}

bool oph__rows_add(oph_rows *rows, const struct oph__row *row, int since, int until)
{
    oph_row *to = oph__arena_get(&rows->arena, sizeof *to);
    if (!to || !oph__vec_add(&rows->list, to)) return false;
    *to = oph__row_public(row, since, until);
    return true;
}

/* The forms of all rows, whatever release the names ask for. */
static int find_forms(struct oph__classes *classes, const char *expression,
                      struct oph__arena *arena, struct oph__vec *ret, oph_error *err)
{
    struct oph__vec refs = {0};
    struct oph__lineage lin;
    int rc = oph__refs_read(arena, expression, &refs, err);

    for (size_t i = 0; i < refs.count && !rc; i++) {
        struct oph__ref *ref = refs.at[i];
        int version;
        const struct oph__classdef *def = oph__scope_find(&classes->scope, *ref, &version);
        if (def) *ref = (struct oph__ref){.name = def->name};
    }
    if (!rc) rc = oph__lineage_build(&classes->scope, &refs, 0, &lin, err);
    oph__vec_free(&refs);
    if (!rc && !oph__class_forms(&lin, arena, ret)) rc = oph__fail_memory(err, expression);
    return rc;
}

static const struct oph__form *form_of(const struct oph__vec *forms, const struct oph__row *row)
{
    for (size_t i = 0; i < forms->count; i++) {
        const struct oph__form *form = forms->at[i];
        if (form->row == row) return form;
    }
    return NULL;
}

static int fill(struct oph__classes *classes, const struct oph__class *cls, uint32_t flags,
                oph_rows *rows, oph_error *err)
{
    struct oph__arena arena = {0};
    struct oph__vec forms = {0};
    bool history = flags & OPH_ROWS_HISTORY, ok = true;
    int rc = find_forms(classes, cls->name, &arena, &forms, err);

    for (size_t i = 0; !rc && ok && history && i < forms.count; i++) {
        const struct oph__form *form = forms.at[i];
        ok = oph__rows_add(rows, form->row, form->since, form->until);
    }
    for (size_t i = 0; !rc && ok && !history && i < cls->rows.count; i++) {
        const struct oph__row *row = cls->rows.at[i];
        const struct oph__form *form = form_of(&forms, row);
        ok = oph__rows_add(rows, row, form ? form->since : row->since, form ? form->until : 0);
    }
    oph__vec_free(&forms);
    oph__arena_free(&arena);
    return ok ? rc : oph__fail_memory(err, cls->name);
}

int oph_class_rows(oph_context *ctx, const char *class_name, uint32_t flags, oph_rows **ret,
                   oph_error *err)
{
    const struct oph__class *cls;
    int rc = oph__context_check(ctx, err);
    if (!rc) rc = oph__classes_get(ctx->classes, class_name, 0, &cls, err);
    if (rc) return rc;
    if (flags & ~(uint32_t)OPH_ROWS_HISTORY)
        return oph__fail_text(err, OPH_EINVAL, "%s: wanted flags of enum oph_rows_flags, found %#x",
                              cls->name, (unsigned)flags);
    if ((flags & OPH_ROWS_HISTORY) && strchr(cls->name, '@'))
        return oph__fail_text(err, OPH_EINVAL,
                              "%s: wanted a class without a release for the history of its rows",
                              cls->name);
    oph_rows *rows = oph__rows_new();
    if (!rows) return oph__fail_memory(err, cls->name);
    pthread_mutex_lock(&ctx->classes->lock);
    rc = fill(ctx->classes, cls, flags, rows, err);
    pthread_mutex_unlock(&ctx->classes->lock);
    if (rc)
        oph_rows_free(rows);
    else
        *ret = rows;
    return rc;
}

size_t oph_class_count(oph_context *ctx)
{
    if (oph__context_check(ctx, NULL)) return 0;
    pthread_mutex_lock(&ctx->classes->lock);
    const struct oph__scope *scope = &ctx->classes->scope;
    size_t count = oph__shelf_count(scope->shelf) + scope->defs.count;
    pthread_mutex_unlock(&ctx->classes->lock);
    return count;
}

const char *oph_class_name_at(oph_context *ctx, size_t index)
{
    const char *name = NULL;
    if (oph__context_check(ctx, NULL)) return NULL;
    pthread_mutex_lock(&ctx->classes->lock);
    const struct oph__scope *scope = &ctx->classes->scope;
    size_t shelved = oph__shelf_count(scope->shelf);
    if (index < shelved)
        name = oph__shelf_name(scope->shelf, index);
    else if (index - shelved < scope->defs.count)
        name = ((const struct oph__classdef *)scope->defs.at[index - shelved])->name;
    pthread_mutex_unlock(&ctx->classes->lock);
    return name;
}

int oph_class_describe(oph_context *ctx, const char *class_name, oph_class_info *ret,
                       oph_error *err)
{
    const struct oph__class *cls;
    int version, rc = oph__context_check(ctx, err);
    if (!rc && ret->size < sizeof ret->size)
        rc = oph__fail_text(err, OPH_EINVAL, "oph_class_describe: wanted the info's size, found %u",
                            (unsigned)ret->size);
    if (!rc) rc = oph__classes_get(ctx->classes, class_name, 0, &cls, err);
    if (rc) return rc;
    oph_class_info info = {.version = cls->version,
                           .kind = cls->kind,
                           .name = cls->name,
                           .bases = cls->name,
                           .doc = cls->doc,
                           .plugin_type = or_empty(cls->plugin_type),
                           .trigger = or_empty(cls->trigger),
                           .origin = ""};
    if (!strchr(cls->name, ' ')) {
        struct oph__ref ref = {.name = cls->names.at[cls->names.count - 1]};
        pthread_mutex_lock(&ctx->classes->lock);
        const struct oph__classdef *def = oph__scope_find(&ctx->classes->scope, ref, &version);
        info.bases = def->base_names;
        info.origin = def->at.origin;
        info.line = def->at.line;
        pthread_mutex_unlock(&ctx->classes->lock);
    }
    info.size = ret->size;
    memcpy(ret, &info, ret->size < sizeof info ? ret->size : sizeof info);
    return 0;
}
