/* ad/template: from the IOC's name of a file to the one on this machine. */
#include "ad/template.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <string.h>

enum { POSIX, WINDOWS };

static void maps(const char *file, const char *write, const char *read, bool windows,
                 const char *wanted)
{
    char local[200] = "";
    oph_error err = OPH_ERROR_INIT;
    int rc = oph__path_to_local("det.hdf1", file, write, read, windows, local, sizeof local, &err);
    testOk(!rc && !strcmp(local, wanted), "%s is %s", file, wanted);
    if (rc || strcmp(local, wanted) != 0) testDiag("found %s %s", local, err.text);
}

static void outside(const char *file, const char *write, bool windows)
{
    char local[200] = "untouched";
    oph_error err = OPH_ERROR_INIT;
    int rc = oph__path_to_local("det.hdf1", file, write, "/r/", windows, local, sizeof local, &err);
    testOk(rc == OPH_EFILE && !strcmp(local, "untouched") && strstr(err.text, write),
           "%s is not in %s", file, write);
    if (rc != OPH_EFILE) testDiag("found %s", local);
}

static void test_room(void)
{
    char local[9] = "before";
    oph_error err = OPH_ERROR_INIT;
    testOk1(oph__path_to_local("d", "/w/a.h5", "/w/", "/rr/", false, local, 9, NULL) == 0 &&
            !strcmp(local, "/rr/a.h5"));
    memcpy(local, "before", 7);
    fake_code(oph__path_to_local("d", "/w/a.h5", "/w/", "/rr/", false, local, 8, &err), OPH_ERANGE,
              &err, "a buffer that is one too small");
    testOk1(!strcmp(local, "before") && strstr(err.text, "8 characters, where the buffer holds 7"));
    fake_code(oph__path_to_local("d", "/w/a.h5", "/w/", "/r/", false, local, 0, &err), OPH_ERANGE,
              &err, "no buffer");
}

static void same(const char *a, const char *b, bool windows, bool wanted)
{
    testOk(oph__path_same(a, b, windows) == wanted, "%s and %s are %sone file", a, b,
           wanted ? "" : "not ");
}

static void test_same(void)
{
    same("/data/a.h5", "/data/a.h5", false, true);
    same("/data/a.h5", "/data/A.h5", false, false);
    same("/data/a.h5", "/data/a.h", false, false);
    same("/data/a.h", "/data/a.h5", true, false);
    same("C:\\data\\a.h5", "c:/Data/A.H5", true, true);
    same("C:\\data\\a.h5", "C:/data/a.h5", false, false);
    same("", "", true, true);
    same("", "a", true, false);
}

int main(void)
{
    testPlan(0);
    maps("/w/2024/a_000.h5", "/w/2024/", "/export/2024/", POSIX, "/export/2024/a_000.h5");
    maps("/w/sub/a.h5", "/w/", "/r/", POSIX, "/r/sub/a.h5");
    maps("/a.h5", "/", "/r/", POSIX, "/r/a.h5");
    maps("/w/a\\b.h5", "/w/", "/r/", POSIX, "/r/a\\b.h5");
    maps("/w/A%20b c.h5", "/w/", "/r/", POSIX, "/r/A%20b c.h5");
    outside("/v/a.h5", "/w/", POSIX);
    outside("/W/a.h5", "/w/", POSIX);
    outside("/w2/a.h5", "/w/", POSIX);
    outside("/w", "/w/", POSIX);
    outside("/w/", "/w/", POSIX);
    outside("", "/w/", POSIX);
    outside("/w/run2/a.h5", "/w/run", POSIX);
    outside("\\w\\a.h5", "/w/", POSIX);
    outside("/w/../etc/passwd", "/w/", POSIX);
    outside("/w/sub/..", "/w/", POSIX);
    maps("/w/..a/b..h5", "/w/", "/r/", POSIX, "/r/..a/b..h5");

    maps("C:\\data\\a.h5", "C:\\data\\", "/r/", WINDOWS, "/r/a.h5");
    maps("c:\\DATA\\Sub\\A.h5", "C:\\data\\", "/r/", WINDOWS, "/r/Sub/A.h5");
    maps("C:/data\\sub/a.h5", "C:\\data/", "/r/", WINDOWS, "/r/sub/a.h5");
    maps("\\\\server\\share\\a.h5", "//Server/Share/", "/r/", WINDOWS, "/r/a.h5");
    outside("D:\\data\\a.h5", "C:\\data\\", WINDOWS);
    outside("C:\\data2\\a.h5", "C:\\data\\", WINDOWS);
    outside("C:\\data\\..\\a.h5", "C:\\data\\", WINDOWS);
    test_room();
    test_same();
    return testDone();
}
