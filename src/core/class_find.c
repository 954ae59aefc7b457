/* Rows found by what they are called and what their docs say. */
#include "core/class_parts.h"
#include "core/context.h"
#include <cophyd/class.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool has_word(const char *text, const char *word, size_t len)
{
    for (; *text; text++) {
        size_t n = 0;
        while (n < len && lower(text[n]) == lower(word[n]))
            n++;
        if (n == len) return true;
    }
    return false;
}

static bool row_has(const struct oph__row *row, const char *word, size_t len)
{
    const struct oph__labels *lists[] = {&row->labels, &row->readback};
    bool has = has_word(row->owner, word, len) || has_word(row->attr, word, len) ||
               has_word(row->suffix, word, len) || has_word(row->doc, word, len);

    for (size_t i = 0; i < 2; i++)
        for (uint32_t j = 0; !has && j < lists[i]->count; j++)
            has = has_word(lists[i]->at[j], word, len);
    return has;
}

static bool matches(const struct oph__row *row, const char *text)
{
    for (size_t len; *(text += strspn(text, " \t")); text += len) {
        len = strcspn(text, " \t");
        if (!row_has(row, text, len)) return false;
    }
    return true;
}

/* The next form of the row's attribute in its class; NULL: it is the last. */
static const struct oph__row *next_form(const struct oph__classdef *def, const struct oph__row *row)
{
    const struct oph__row *next = NULL;

    for (size_t i = 0; i < def->rows.count; i++) {
        const struct oph__row *other = def->rows.at[i];
        if (strcmp(other->attr, row->attr) == 0 && other->since > row->since &&
            (!next || other->since < next->since))
            next = other;
    }
    return next;
}

/* Of several forms of an attribute the newest. */
static bool search(const struct oph__classdef *def, const char *text, oph_rows *rows)
{
    bool ok = true;

    for (size_t i = 0; ok && i < def->rows.count; i++) {
        const struct oph__row *row = def->rows.at[i];
        if (row->how == OPH__GONE || !matches(row, text)) continue;
        const struct oph__row *next = next_form(def, row);
        if (!next || next->how == OPH__GONE)
            ok = oph__rows_add(rows, row, row->since, next ? next->since : 0);
    }
    return ok;
}

int oph_class_find(oph_context *ctx, const char *text, oph_rows **ret, oph_error *err)
{
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    if (!text)
        return oph__fail_text(err, OPH_EINVAL, "oph_class_find: wanted words to find, found NULL");
    oph_rows *rows = oph__rows_new();
    if (!rows) return oph__fail_memory(err, "rows");
    const char *name;
    for (size_t i = 0; !rc && (name = oph_class_name_at(ctx, i)); i++) {
        const struct oph__ref ref = {.name = name};
        int version;
        pthread_mutex_lock(&ctx->classes->lock);
        const struct oph__scope *scope = &ctx->classes->scope;
        const struct oph__classdef *def = oph__scope_find(scope, ref, &version);
        if (!def)
            rc = oph__shelf_failed(scope->shelf, err);
        else if (!search(def, text, rows))
            rc = oph__fail_memory(err, "rows");
        pthread_mutex_unlock(&ctx->classes->lock);
    }
    if (rc)
        oph_rows_free(rows);
    else
        *ret = rows;
    return rc;
}
