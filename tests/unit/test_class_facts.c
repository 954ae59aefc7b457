/* What the class texts are checked against is whole: all records of all templates of all releases
 * are in records.csv, and each template of it has a class. */
#include "lib/facts.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = words; (p = strstr(p, word)) != NULL; p += len)
        if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' ')) return true;
    return false;
}

/* A record of several of the templates, as X in one and in another, counts once. */
static int count_records(const struct facts *records, const char *templates, int version)
{
    struct oph__map seen = {0};

    for (size_t i = 0; i < records->count; i++) {
        const struct fact *line = &records->lines[i];
        if (!has_word(templates, line->field[0]) || !facts_in_release(line, version)) continue;
        if (!oph__map_set(&seen, line->field[1], line->field[1])) testAbort("no memory");
    }
    int count = (int)seen.count;
    oph__map_free(&seen);
    return count;
}

static void check_records(const struct facts *records, const struct fact *template)
{
    int wanted = (int)strtol(template->field[1], NULL, 10), releases = 0, wrong = 0;

    for (int r = 0; r < FACTS_RELEASES; r++) {
        int version = oph__version_parse(facts_releases[r]);
        if (!facts_in_release(template, version)) continue;
        int found = count_records(records, template->field[2], version);
        if (found != wanted)
            testDiag("%s has %d records, not %d", facts_releases[r], found, wanted);
        wrong += found != wanted;
        releases++;
    }
    testOk(wrong == 0 && releases > 0, "%s from %s to %s: %d records", template->field[0],
           template->field[3], template->field[4], wanted);
}

/* What cams and plugins have in common is checked in both. */
static bool has_class(const char *template)
{
    if (strcmp(template, "NDArrayBase") == 0) return true;
    for (size_t c = 0; c < FACTS_CLASSES; c++)
        if (strcmp(facts_classes[c].templates[0], template) == 0) return true;
    return false;
}

static bool is_listed(const struct facts *templates, const char *name, int version)
{
    for (size_t i = 0; i < templates->count; i++)
        if (has_word(templates->lines[i].field[2], name) &&
            facts_in_release(&templates->lines[i], version))
            return true;
    return false;
}

int main(void)
{
    testPlan(0);
    struct facts records = facts_load("tests/data/records.csv"),
                 templates = facts_load("tests/data/templates.csv");
    int classless = 0, unlisted = 0;

    for (size_t i = 0; i < templates.count; i++)
        check_records(&records, &templates.lines[i]);
    for (size_t i = 0; i < records.count; i++) {
        const char *name = records.lines[i].field[0];
        classless += !has_class(name);
        for (int r = 0; r < FACTS_RELEASES; r++) {
            int version = oph__version_parse(facts_releases[r]);
            unlisted += facts_in_release(&records.lines[i], version) &&
                        !is_listed(&templates, name, version);
        }
    }
    testOk(templates.count > 280, "%zu forms of templates", templates.count);
    testOk(classless == 0, "each template has a class");
    testOk(unlisted == 0, "no template is there at a release that lacks it");
    facts_unload(&records);
    facts_unload(&templates);
    return testDone();
}
