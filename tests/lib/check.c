#include "lib/check.h"

#include <epicsUnitTest.h>
#include <string.h>

int check_done(int rc, const oph_error *err, const char *what)
{
    testOk(rc == 0, "%s", what);
    if (rc) testDiag("%s: %s", oph_code_name(rc), err->text);
    return rc == 0;
}

static int contains(const char *text, const char *part)
{
    return !part || strstr(text, part) != NULL;
}

int check_refused(int rc, const oph_error *err, int code, const char *device, const char *pv,
                  const char *wanted, const char *found)
{
    int ok = rc == code && err->code == code && strcmp(err->device, device ? device : "") == 0 &&
             strcmp(err->pv, pv ? pv : "") == 0 && contains(err->wanted, wanted) &&
             contains(err->found, found) && contains(err->text, err->device) &&
             contains(err->text, err->pv) && contains(err->text, wanted) &&
             contains(err->text, found);
    testOk(ok, "%s: %s", oph_code_name(rc), rc ? err->text : "no error");
    if (!ok)
        testDiag("expected %s, device '%s', PV '%s', wanted '%s', found '%s'", oph_code_name(code),
                 device ? device : "", pv ? pv : "", wanted ? wanted : "", found ? found : "");
    return ok;
}
