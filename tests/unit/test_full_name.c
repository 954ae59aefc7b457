/* ad/full_name: what areaDetector's printf makes of a FileTemplate, and what is not understood. */
#include "ad/full_name.h"

#include <epicsUnitTest.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static void becomes(const char *format, int64_t number, const char *wanted)
{
    char name[200] = "(untouched)";
    bool ok = oph__full_name(format, "/data/", "scan", number, name, sizeof name);
    testOk(ok && strcmp(name, wanted) == 0, "%s of %lld is %s", format, (long long)number, wanted);
    if (!ok || strcmp(name, wanted) != 0) testDiag("found '%s'", name);
}

static void is_strange(const char *format)
{
    char name[200] = "(untouched)";
    bool ok = oph__full_name(format, "/data/", "scan", 7, name, sizeof name);
    testOk(!ok && !*name && !oph__full_name_counts(format), "'%s' is not understood", format);
}

static void test_usual(void)
{
    becomes("%s%s_%3.3d.h5", 0, "/data/scan_000.h5");
    becomes("%s%s_%6.6d.tiff", 42, "/data/scan_000042.tiff");
    becomes("%s%s_%3.3d.h5", 12345, "/data/scan_12345.h5");
    becomes("%s%s_%3.3d.h5", -1, "/data/scan_-001.h5");
    becomes("%s%s.h5", 3, "/data/scan.h5");
    becomes("%s/raw.h5", 3, "/data//raw.h5");
    becomes("all.h5", 3, "all.h5");
    becomes("%s%s_%d%%.h5", 3, "/data/scan_3%.h5");
    becomes("%%s%s%s", 3, "%s/data/scan");
    becomes("", 3, "");
}

static void test_strange(void)
{
    static const char *const strange[] = {
        "%d",        "%s%d",
        "%s%s%s",    "%s%s%x",
        "%s%s%ld",   "%s%s%hd",
        "%s%s%n",    "%s%s%f",
        "%s%s%d%d",  "%s%s%*d",
        "%s%s%.*d",  "%s%s%",
        "%s%s%3",    "%s%s%3.",
        "%10s%s",    "%s%.3s",
        "%1$s%2$s",  "%s%s%'d",
        "%s%s%#d",   "%s%s%65d",
        "%s%s%.65d", "%s%s%99999999999999999999d",
        "%",         "%s%",
        "%s%s%u",    "%s%s%c",
        "%s%s%.-3d",
    };
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        is_strange(strange[i]);
}

/* Formats are what is tested here. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* Every mixture of flags, width and precision, against the C library. */
static void test_numbers(void)
{
    static const char *const flags[] = {"", "-", "0", "+", " ", "-0", "0+", "+-", " 0", "+ 0-"};
    static const char *const widths[] = {"", "1", "3", "12", "64"};
    static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".64", ".007"};
    static const int numbers[] = {0, 1, -1, 9, 10, -10, 999, 123456, INT_MAX, INT_MIN};
    int tried = 0, wrong = 0;
    for (int f = 0; f < 10; f++) {
        for (int i = 0; i < 5 * 7 * 10; i++) {
            char format[40], wanted[160], found[160];
            int number = numbers[i % 10];
            snprintf(format, sizeof format, "<%%s|%%s|%%%s%s%s%c>", flags[f], widths[i / 10 % 5],
                     precisions[i / 50], i % 3 ? 'd' : 'i');
            snprintf(wanted, sizeof wanted, format, "a", "b", number);
            bool ok = oph__full_name(format, "a", "b", number, found, sizeof found);
            tried++;
            if (ok && strcmp(found, wanted) == 0) continue;
            wrong++;
            testDiag("%s of %d is '%s', wanted '%s'", format, number, found, wanted);
        }
    }
    testOk(tried == 3500 && wrong == 0, "%d of %d numbers are as printf writes them", tried - wrong,
           tried);
}

static void test_room(void)
{
    char name[32];
    for (size_t size = 0; size <= 18; size++) {
        memset(name, '#', sizeof name);
        bool ok = oph__full_name("%s%s_%3.3d.h5", "/data/", "scan", 0, name, size);
        bool wanted = size == 18; /* 17 characters and the end */
        bool empty = size == 0 || *name == 0;
        testOk(ok == wanted && name[size] == '#' && (wanted ? strlen(name) == 17 : empty),
               "%zu bytes are %s", size, wanted ? "enough" : "too few");
    }
}

static void test_counts(void)
{
    testOk1(oph__full_name_counts("%s%s_%3.3d.h5"));
    testOk1(oph__full_name_counts("%s%s%d"));
    testOk1(!oph__full_name_counts("%s%s.h5"));
    testOk1(!oph__full_name_counts(""));
    testOk1(!oph__full_name_counts("%d"));
}

int main(void)
{
    testPlan(0);
    test_usual();
    test_strange();
    test_numbers();
    test_room();
    test_counts();
    return testDone();
}
