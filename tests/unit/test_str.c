/* base/str: cuts are marked, numbers do not depend on the locale. */
#include "base/str.h"

#include <epicsUnitTest.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cophyd/dtype.h>

/* What a terminal would obey, in text from anywhere. */
static void test_clean(void)
{
    static const struct {
        const char *text, *clean;
    } table[] = {
        {"\33[2J\33]0;title\a", " [2J ]0;title "},
        {"\x9B"
         "2J",
         " 2J"}, /* C1 as a byte */
        {"\xC2\x9B"
         "2J",
         "  2J"}, /* C1 as UTF-8 */
        {"a\xE2\x80\xAE"
         "b",
         "a   b"}, /* U+202E turns the direction */
        {"a\xE2\x80\xA8"
         "b",
         "a   b"}, /* U+2028 breaks the line */
        {"a\xE2\x81\xA6"
         "b",
         "a   b"},                                         /* U+2066 */
        {"\xC2\xB5m \xE2\x84\xAB \xF0\x9F\x98\x80", NULL}, /* text beyond ASCII stays, */
        {"\xB5m \xC5", NULL},                              /* and Latin-1 does */
        {"\xE9\x9B\x9B", NULL}, /* a character that has such bytes in it */
        {"\xE9\x9B", "\xE9 "},  /* one cut short */
        {"\xC0\x9B", "\xC0 "},  /* ESC written too long */
        {"", NULL},
    };
    char text[40];

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *wanted = table[i].clean ? table[i].clean : table[i].text;
        testOk(oph__is_clean(table[i].text) == !table[i].clean, "text %zu is %s", i,
               table[i].clean ? "not clean" : "clean");
        oph__copy(text, sizeof text, table[i].text);
        testOk(strcmp(oph__clean(text), wanted) == 0 && oph__is_clean(text), "it is %s", text);
    }
}

static void test_copies(void)
{
    char dst[12];

    testOk1(strcmp(oph__copy(dst, sizeof dst, "eleven char"), "eleven char") == 0);
    testOk1(strcmp(oph__copy(dst, sizeof dst, "twelve chars"), "twelve[cut]") == 0);
    oph__copy(dst, sizeof dst, "sei\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9");
    testOk(strcmp(dst, "sei\xC3\xA9[cut]") == 0, "no character is split");
    testOk1(strcmp(oph__copy(dst, 4, "twelve chars"), "[cu") == 0);
    testOk1(strcmp(oph__copy(dst, 1, "x"), "") == 0);
    testOk1(strcmp(oph__format(dst, sizeof dst, "%d-%s", 12, "ab"), "12-ab") == 0);
    testOk1(strcmp(oph__format(dst, sizeof dst, "%d-%s", 12, "abcdefghijkl"), "12-abc[cut]") == 0);
    oph__copy(dst, sizeof dst, "a\nb\tc\x7F\x01");
    testOk(strcmp(oph__clean(dst), "a b c  ") == 0, "control characters become spaces");
    test_clean();

    char *a = oph__dup("one"), *b = oph__dup_n("two three", 3), *c = oph__dupf("%s-%d", a, 7);
    testOk1(strcmp(a, "one") == 0 && strcmp(b, "two") == 0 && strcmp(c, "one-7") == 0);
    free(a);
    free(b);
    free(c);
}

static void test_compares(void)
{
    testOk1(oph__equal(NULL, NULL) && oph__equal("a", "a") && !oph__equal("a", NULL) &&
            !oph__equal("a", "b"));
    testOk1(oph__starts("cam1:Acquire", "cam1:") && !oph__starts("cam", "cam1:"));
    testOk1(oph__ends("X_RBV", "_RBV") && !oph__ends("RBV", "_RBV") && oph__ends("x", ""));
}

static void test_ints(void)
{
    static const char *const wrong[] = {"",
                                        " 1",
                                        "1 ",
                                        "+",
                                        "1.0",
                                        "0x10",
                                        "ten",
                                        "\t2",
                                        "9223372036854775808",
                                        "-9223372036854775809"};
    int64_t value = 77;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        testOk(!oph__to_int(wrong[i], &value) && value == 77, "not an integer: '%s'", wrong[i]);
    testOk1(oph__to_int("-9223372036854775808", &value) && value == INT64_MIN);
    testOk1(oph__to_int("+12", &value) && value == 12);
}

static void test_doubles(const char *locale)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {1e-9, "1e-09"},
                {0, "0"},
                {-2.5, "-2.5"},
                {1e22, "1e+22"},
                {0.1 + 0.2, "0.30000000000000004"},
                {1.0 / 3, "0.3333333333333333"},
                {INFINITY, "inf"},
                {-INFINITY, "-inf"},
                {-NAN, "nan"}};
    static const char *const wrong[] = {"", " 1", "1 ", "0,5", "1e400", "1.5x", "--1"};
    char text[40];
    double value = 77;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        testOk(strcmp(oph__from_double(text, sizeof text, rows[i].value), rows[i].text) == 0,
               "%s: %s is written %s", locale, rows[i].text, text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        testOk(!oph__to_double(wrong[i], &value) && value == 77, "%s: not a number: '%s'", locale,
               wrong[i]);
    testOk(oph__to_double("0.5", &value) && value == 0.5, "%s: 0.5 is read", locale);
    testOk(oph__to_double("4.9e-324", &value) && value > 0, "%s: the smallest number", locale);

    int failures = 0;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double random, back;
        memcpy(&random, &bits, sizeof random);
        if (!isnan(random) &&
            (!oph__to_double(oph__from_double(text, sizeof text, random), &back) || back != random))
            failures++;
    }
    testOk(failures == 0, "%s: 20000 random numbers are read back the same", locale);
    testOk(strcmp(oph__format(text, sizeof text, "%.2f", 1.5), "1.50") == 0,
           "%s: formats print a point", locale);
}

static void test_buf(void)
{
    struct oph__buf buf = {0};

    oph__buf_add(&buf, "");
    testOk1(buf.text && buf.len == 0 && *buf.text == '\0');
    for (int i = 0; i < 1000; i++)
        oph__buf_addf(&buf, "%d,", i % 10);
    oph__buf_add_n(&buf, "end...", 3);
    testOk1(!buf.failed && buf.len == 2003 && strlen(buf.text) == 2003);
    testOk1(strncmp(buf.text, "0,1,2,", 6) == 0 && oph__ends(buf.text, "8,9,end"));
    oph__buf_free(&buf);
    testOk1(!buf.text && buf.len == 0);
}

static void test_dtypes(void)
{
    testOk1(strcmp(oph_dtype_name(OPH_UINT16), "uint16") == 0 && oph_dtype_size(OPH_UINT16) == 2);
    testOk1(strcmp(oph_dtype_name(OPH_TEXT), "text") == 0 && oph_dtype_size(OPH_TEXT) == 40);
    testOk1(strcmp(oph_dtype_name(OPH_ENUM), "enum") == 0 && oph_dtype_size(OPH_ENUM) == 2);
    testOk1(strcmp(oph_dtype_name(99), "none") == 0 && oph_dtype_size(-1) == 0);
}

/* A locale with a decimal comma, where the machine has one. */
static const char *comma_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "C"};
    size_t i = 0;

    while (!setlocale(LC_ALL, names[i]))
        i++;
    return names[i];
}

int main(void)
{
    testPlan(0);
    test_copies();
    test_compares();
    test_ints();
    test_doubles("C");
    test_doubles(comma_locale());
    test_buf();
    test_dtypes();
    return testDone();
}
