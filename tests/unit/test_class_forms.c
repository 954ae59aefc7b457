/* Labels, lengths and types of elements in the built-in classes, against the records of each
 * release of ADCore. That the classes have these records is for test_class_builtin. */
#include "ad/builtin_classes.h"
#include "base/str.h"
#include "lib/facts.h"
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

/* The record of the first of a class's templates that has it. */
static const struct fact *find_record(const struct facts *records, size_t cls, int version,
                                      const char *name)
{
    for (int t = 0; t < 3 && facts_classes[cls].templates[t]; t++) {
        for (size_t i = 0; i < records->count; i++) {
            const struct fact *line = &records->lines[i];
            if (strcmp(line->field[0], facts_classes[cls].templates[t]) == 0 &&
                strcmp(line->field[1], name) == 0 && facts_in_release(line, version))
                return line;
        }
    }
    return NULL;
}

/* A bo record of two empty labels has none, as Channel Access tells it. */
static bool labels_are(const struct oph__labels *labels, const char *wanted)
{
    struct oph__buf found = {0};

    oph__buf_add(&found, "");
    for (uint32_t i = 0; i < labels->count; i++)
        oph__buf_addf(&found, "%s%s", i ? "|" : "", labels->at[i]);
    bool same = found.text && strcmp(found.text, strcmp(wanted, "|") == 0 ? "" : wanted) == 0;
    oph__buf_free(&found);
    return same;
}

/* What a template says, also as a macro's default; 0 where it is left to the IOC. */
static uint32_t elements_of(const char *nelm)
{
    const char *number = strchr(nelm, '=') ? strchr(nelm, '=') + 1 : nelm;

    return (uint32_t)strtoul(number, NULL, 10);
}

static bool fits_form(const struct oph__row *row, const struct fact *set, const struct fact *read)
{
    const char *labels = set->field[5], *readback = read->field[5], *ftvl = set->field[6];
    bool waveform = *ftvl && (row->type == OPH__TEXT || row->type == OPH__ARRAY);
    enum oph__rowtype of = OPH__ANY;

    if (row->type == OPH__ARRAY && strcmp(ftvl, "DOUBLE") == 0) of = OPH__FLOAT;
    if (row->type == OPH__ARRAY && (strcmp(ftvl, "LONG") == 0 || strcmp(ftvl, "CHAR") == 0))
        of = OPH__INT;
    if (row->type != OPH__ENUM && (row->labels.count || row->readback.count)) return false;
    return (row->type != OPH__ENUM || labels_are(&row->labels, labels)) &&
           labels_are(&row->readback, strcmp(labels, readback) == 0 ? "" : readback) &&
           strcmp(ftvl, read->field[6]) == 0 && strcmp(set->field[7], read->field[7]) == 0 &&
           row->length == (waveform ? elements_of(set->field[7]) : 0) && row->of == of;
}

/* Labels, lengths and types of elements are those of the release's records. */
static void check_forms(const struct facts *records, struct oph__classes *reg, size_t which,
                        int version)
{
    const struct oph__class *cls = facts_get(reg, facts_classes[which].name, version);
    int wrong = 0, checked = 0;

    for (size_t i = 0; i < cls->rows.count; i++) {
        const struct oph__row *row = cls->rows.at[i];
        char readback[80];
        oph__format(readback, sizeof readback, "%s%s", row->suffix,
                    facts_has_readback(row) ? "_RBV" : "");
        const struct fact *set = find_record(records, which, version, row->suffix);
        const struct fact *read = find_record(records, which, version, readback);
        bool field = strchr(row->suffix, '.') != NULL;
        checked += set && read;
        if (field ? row->length || row->labels.count
                  : !set || !read || !fits_form(row, set, read)) {
            testDiag("%s: row %s is another than its record", cls->name, row->attr);
            wrong++;
        }
    }
    testOk(wrong == 0 && checked > 0, "%s at %d: all %d rows as their records", cls->name, version,
           checked);
}

int main(void)
{
    struct oph__classes *reg = NULL;
    struct facts records = facts_load("tests/data/records.csv");
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    if (oph__classes_new(NULL, NULL, &reg, &err) ||
        oph__classes_shelve(reg, oph__builtin_classes, &err))
        testAbort("%s", err.text);
    for (int r = 0; r < FACTS_RELEASES; r++) {
        int version = oph__version_parse(facts_releases[r]);
        for (size_t c = 0; c < FACTS_CLASSES; c++)
            if (facts_newest(&records, c, version) == version)
                check_forms(&records, reg, c, version);
    }
    oph__classes_free(reg);
    facts_unload(&records);
    return testDone();
}
