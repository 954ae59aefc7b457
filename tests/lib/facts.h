/* What is known of each release of ADCore, to check the built-in classes against: the rows of a
 * file of tests/data, and which templates a class stands for. */
#ifndef TEST_FACTS_H
#define TEST_FACTS_H

#include "core/classtext.h"

enum { FACTS_FIELDS = 8, FACTS_RELEASES = 22, FACTS_CLASSES = 42 };
struct fact {
    char *field[FACTS_FIELDS];
};
struct facts {
    struct fact *lines;
    size_t count;
};
extern const char *const facts_releases[FACTS_RELEASES];

/* What a class has in the releases that have the first of its templates. Up to 2.1 a plugin loaded
 * the templates of its bases beside its own. Since then its own includes them: records.csv repeats
 * theirs for some and not for others. The numbers inside the names of NDGatherN and NDAttrPlotAttr
 * are filled in there, and NDAttrPlotData is there for an X axis and for a Y axis. */
struct facts_source {
    const char *name;
    const char *templates[3];
};
extern const struct facts_source facts_classes[FACTS_CLASSES];

/* Of a file with commas; ends the test when it cannot be read. */
struct facts facts_load(const char *path);
void facts_unload(struct facts *t);
/* Fields 3 and 4 are the first and the last release. */
bool facts_in_release(const struct fact *line, int version);
/* The newest release, up to this one, at which the class's own template is known; 0: none. Drivers
 * are counted apart from ADCore, and of theirs some releases are known. */
int facts_newest(const struct facts *records, size_t cls, int version);

/* Ends the test when there is none. */
const struct oph__class *facts_get(struct oph__classes *reg, const char *name, int version);
bool facts_has_readback(const struct oph__row *row);

#endif
