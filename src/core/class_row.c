/* The row statement: row ATTR SUFFIX HOW TYPE KIND [SINCE|-] [OPTION...] ["DOC"],
 * or row ATTR SUFFIX|- gone SINCE ["DOC"]. */
#include "base/str.h"
#include "ca/link.h"
#include "core/class_read.h"
#include <math.h>
#include <string.h>

const char *const oph__hows[] = {"ro", "rw", "rbv", "path", "start", "gone", NULL};
const char *const oph__rowtypes[] = {"any", "int", "float", "enum", "text", "array", NULL};
const char *const oph__kinds[] = {"normal", "config", "hinted", "omitted", NULL};

enum option { SLOW, AFTER, BUSY, COUNTER, MOVES, MAIN, LABELS, READBACK, LENGTH, OF };
static const char *const options[] = {"slow",   "after",    "busy",   "counter", "moves", "main",
                                      "labels", "readback", "length", "of",      NULL};

enum { LONGEST_LABEL = OPH__LABEL_BYTES - 1 };

/* The word's index in the list, or 0 so that the row can be kept. */
static int pick(struct oph__reader *r, const char *what, const char *const *list, size_t word)
{
    int i = oph__read_lookup(r, what, list, r->words.at[word].text);

    return i < 0 ? 0 : i;
}

static bool is_attr_list(const char *text)
{
    char name[OPH__MAX_ATTR + 1];

    for (;; text++) {
        size_t n = strcspn(text, ",");
        if (n > OPH__MAX_ATTR) return false;
        memcpy(name, text, n);
        name[n] = '\0';
        if (!oph__is_attr(name)) return false;
        text += n;
        if (*text == '\0') return true;
    }
}

/* "Done|Acquire"; labels may be empty. */
static void read_labels(struct oph__reader *r, const char *option, char *value,
                        struct oph__labels *ret)
{
    char **labels = oph__read_get(r, OPH__LABELS * sizeof *labels);
    uint32_t count = 0;
    bool some = *value != '\0';

    if (!labels) return;
    for (char *at = value;; at++) {
        size_t len = strcspn(at, "|");
        if (count == OPH__LABELS || len > LONGEST_LABEL || !some) {
            oph__mistake(r->m, r->at,
                         "%s=: wanted up to %d labels of at most %d characters with | between",
                         option, OPH__LABELS, LONGEST_LABEL);
            return;
        }
        labels[count++] = at;
        at += len;
        if (!*at) break;
        *at = '\0';
    }
    *ret = (struct oph__labels){.count = count, .at = (const char *const *)labels};
}

static void read_length(struct oph__reader *r, const char *value, struct oph__row *row)
{
    int64_t length;

    if (!oph__to_int(value, &length) || length < 1 || length > UINT32_MAX)
        oph__mistake(r->m, r->at, "length=%s: wanted a number of elements", value);
    else
        row->length = (uint32_t)length;
}

/* The type of an array's elements. */
static void read_of(struct oph__reader *r, const char *value, struct oph__row *row)
{
    static const char *const elements[] = {"int", "float", NULL};
    int which = oph__read_lookup(r, "type of elements", elements, value);

    if (which >= 0) row->of = which == 0 ? OPH__INT : OPH__FLOAT;
}

/* What only some types have. */
static void check_options(struct oph__reader *r, const struct oph__row *row)
{
    bool readback = row->how != OPH__RO && row->how != OPH__RW;

    if ((row->labels.count || row->readback.count) && row->type != OPH__ENUM)
        oph__mistake(r->m, r->at, "row %s: only an enum has labels", row->attr);
    if (row->readback.count && (!readback || !row->labels.count))
        oph__mistake(r->m, r->at, "row %s: readback= is for a row with labels= and a readback",
                     row->attr);
    if (row->length && row->type != OPH__TEXT && row->type != OPH__ARRAY)
        oph__mistake(r->m, r->at, "row %s: only a text or an array has a length", row->attr);
    if (row->of != OPH__ANY && row->type != OPH__ARRAY)
        oph__mistake(r->m, r->at, "row %s: only an array is of something", row->attr);
}

static void read_option(struct oph__reader *r, struct oph__word *word, struct oph__row *row)
{
    char *value = NULL;

    if (word->eq) {
        *word->eq = '\0';
        value = word->eq + 1;
    }
    int option = oph__read_lookup(r, "option", options, word->text);
    if (option < 0) return;
    if (!value != (option == BUSY || option == COUNTER || option == MOVES || option == MAIN)) {
        oph__mistake(r->m, r->at, "option '%s' %s value", word->text,
                     value ? "takes no" : "needs a");
        return;
    }
    switch ((enum option)option) {
    case SLOW:
        if (!oph__to_double(value, &row->slow) || !isfinite(row->slow) || row->slow <= 0)
            oph__mistake(r->m, r->at, "slow=%s: wanted a number of seconds", value);
        break;
    case AFTER:
        if (is_attr_list(value))
            row->after = value;
        else
            oph__mistake(r->m, r->at, "after=%s: wanted attributes with commas between", value);
        break;
    case BUSY: row->busy = true; break;
    case COUNTER: row->counter = true; break;
    case MOVES: row->moves = true; break;
    case MAIN: row->main = true; break;
    case LABELS: read_labels(r, "labels", value, &row->labels); break;
    case READBACK: read_labels(r, "readback", value, &row->readback); break;
    case LENGTH: read_length(r, value, row); break;
    case OF: read_of(r, value, row); break;
    }
}

/* [SINCE|-] [OPTION...] ["DOC"] from the word `next` on. */
static void read_rest(struct oph__reader *r, size_t next, struct oph__row *row)
{
    struct oph__word *word = r->words.at;
    size_t end = r->words.count;

    if (end > next && word[end - 1].quoted && !word[end - 1].eq) row->doc = word[--end].text;
    if (next < end && !word[next].quoted) {
        int since = oph__version_parse(word[next].text);
        bool meant = strchr("0123456789-", *word[next].text) != NULL;
        if (since < 0 && meant && strcmp(word[next].text, "-") != 0)
            oph__mistake(r->m, r->at, "since '%s': wanted a version like 3.4, or -",
                         word[next].text);
        if (since >= 0) row->since = since;
        if (since >= 0 || meant) next++;
    }
    for (; next < end; next++) {
        if (word[next].quoted && !word[next].eq)
            oph__mistake(r->m, r->at, "\"%s\": only the doc, at the end, is in quotes",
                         word[next].text);
        else
            read_option(r, &word[next], row);
    }
}

int32_t oph__kind_flags(enum oph__kind kind)
{
    static const int32_t flags[] = {[OPH__NORMAL] = OPH_KIND_NORMAL,
                                    [OPH__CONFIG] = OPH_KIND_CONFIG,
                                    [OPH__HINTED] = OPH_KIND_HINTED,
                                    [OPH__OMITTED] = OPH_KIND_OMITTED};
    return flags[kind];
}

void oph__read_kind(struct oph__reader *r)
{
    int32_t *kind = oph__read_get(r, sizeof *kind);

    for (size_t i = 1; kind && i < r->words.count; i++)
        *kind |= oph__kind_flags((enum oph__kind)pick(r, "kind", oph__kinds, i));
    if (oph__read_once(r, "kind", "", 0)) r->def->kind = kind;
}

/* A row without a doc has that of the row before it with the same attribute. */
static void keep_doc(struct oph__reader *r, struct oph__row *row)
{
    const char *before =
        *row->doc || row->how == OPH__GONE ? NULL : oph__map_get(&r->docs, row->attr);

    if (before)
        row->doc = before;
    else if (*row->doc && !oph__map_set(&r->docs, row->attr, (char *)(uintptr_t)row->doc))
        r->m->memory = true;
}

void oph__read_row(struct oph__reader *r)
{
    const struct oph__word *word = r->words.at;
    size_t count = r->words.count;
    struct oph__row *row = oph__read_get(r, sizeof *row);

    if (!row) return;
    *row = (struct oph__row){.attr = word[1].text,
                             .suffix = word[2].text,
                             .doc = "",
                             .owner = r->def->name,
                             .how = (enum oph__how)pick(r, "how", oph__hows, 3),
                             .origin = r->at.origin,
                             .line = r->at.line};
    if (row->how == OPH__GONE) {
        read_rest(r, 4, row);
        if (!row->since)
            oph__mistake(r->m, r->at, "a gone row says since when: row %s %s gone 3.3", row->attr,
                         row->suffix);
        if (strcmp(row->suffix, "-") == 0) row->suffix = "";
    } else if (count < 6) {
        oph__mistake(r->m, r->at, "wanted `row ATTR SUFFIX HOW TYPE KIND ...`, found %zu words",
                     count);
    } else {
        row->type = (enum oph__rowtype)pick(r, "type", oph__rowtypes, 4);
        row->kind = (enum oph__kind)pick(r, "kind", oph__kinds, 5);
        read_rest(r, 6, row);
        check_options(r, row);
        oph__read_suffix(r, row->suffix, row->how != OPH__RO && row->how != OPH__RW);
    }
    if (!oph__is_attr(row->attr) || strlen(row->attr) > OPH__MAX_ATTR ||
        oph__starts(row->attr, "parent.") || strcmp(row->attr, "parent") == 0) {
        oph__mistake(r->m, r->at,
                     "'%s' is no attribute: small letters, digits, _ and . make one, of up to "
                     "%d characters, and parent means the device above",
                     row->attr, OPH__MAX_ATTR);
        return;
    }
    if (!oph__read_once(r, "row", row->attr, row->since)) return;
    keep_doc(r, row);
    oph__read_keep(r, &r->def->rows, row);
}
