/* ad/template: file names are random UUIDs without the last group. */
#include "ad/template.h"

#include <epicsUnitTest.h>
#include <string.h>

enum { NAMES = 2000 };

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* xxxxxxxx-xxxx-4xxx-yxxx, where y is 8, 9, a or b. */
static bool well_formed(const char *name)
{
    if (strlen(name) != 23) return false;
    for (int i = 0; i < 23; i++) {
        bool dash = i == 8 || i == 13 || i == 18;
        if (dash ? name[i] != '-' : !is_hex(name[i])) return false;
    }
    return name[14] == '4' && strchr("89ab", name[19]);
}

int main(void)
{
    static char names[NAMES][OPH__UUID_NAME];
    int good = 0, twice = 0;
    testPlan(2);
    for (int i = 0; i < NAMES; i++) {
        oph__uuid_name(names[i]);
        good += well_formed(names[i]);
        for (int j = 0; j < i; j++)
            twice += !strcmp(names[i], names[j]);
    }
    testOk(good == NAMES, "%d of %d have the form 8-4-4-4 of version 4, as %s", good, NAMES,
           names[0]);
    testOk(twice == 0, "each is different");
    return testDone();
}
