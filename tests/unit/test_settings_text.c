/* core/settings, core/settings_text: values as they were given, popped, copied, printed and parsed.
 */
#include "core/device.h"
#include "lib/fake_link.h"

#include <cophyd/settings.h>
#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row image_mode   ImageMode   rbv   enum  config\n"
                              "row num_images   NumImages   rbv   int   config\n"
                              "row acquire_time AcquireTime rbv   float config\n"
                              "row name         Name        rw    text  config\n"
                              "row size.x       SizeX       rw    int   config\n"
                              "row counter      Counter_RBV ro    int   normal\n"
                              "class Other\n"
                              "row image_mode   ImageMode   rbv   enum  config\n"
                              "row num_images   NumImages   ro    int   config\n"
                              "class Det\n"
                              "dev cam   cam1: Cam\n"
                              "dev twin  cam2: Cam\n"
                              "dev other cam3: Other\n";

static oph_device *det, *cam, *twin, *other;

static void code(int rc, int wanted, const oph_error *err, const char *what)
{
    const oph_error none = OPH_ERROR_INIT;
    fake_code(rc, wanted, rc ? err : &none, what);
}

static void list_is(oph_device *dev, const char *wanted, const char *what)
{
    char text[600] = "";
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_settings_print(dev, text, sizeof text, NULL, &err);
    testOk(rc == 0 && !strcmp(text, wanted), "%s", what);
    if (rc || strcmp(text, wanted) != 0) testDiag("found %s%s", text, err.text);
}

static int parse(oph_device *dev, const char *text, int32_t mode, oph_report **report,
                 oph_error *err)
{
    return oph_settings_parse(dev, text, "mine.txt", mode, report, err);
}

static void test_get(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_setting s = {.size = sizeof s};
    oph_settings_set(cam, "num_images", 5, NULL);
    oph_settings_set(cam, "acquire_time", 0.25, NULL);
    oph_settings_set(cam, "name", "12", NULL);
    code(oph_settings_get(cam, "num_images", &s, &err), 0, &err, "get an integer");
    testOk1(s.dtype == OPH_INT64 && s.integer == 5 && s.number == 5);
    testOk1(!strcmp(s.key, "num_images") && !strcmp(s.text, "5"));
    code(oph_settings_get(cam, "acquire_time", &s, &err), 0, &err, "get a number");
    testOk1(s.dtype == OPH_FLOAT64 && s.integer == 0 && s.number == 0.25);
    testOk1(!strcmp(s.text, "0.25"));
    code(oph_settings_get(cam, "name", &s, &err), 0, &err, "get a text");
    testOk1(s.dtype == OPH_STRING && s.integer == 0 && s.number == 0 && !strcmp(s.text, "12"));
    code(oph_settings_get(cam, "image_mode", &s, &err), OPH_ENOTFOUND, &err, "get what is not");
    testOk1(strstr(err.text, "det.cam") && strstr(err.text, "image_mode"));
    testOk1(s.dtype == OPH_STRING && !strcmp(s.text, "12"));
    struct {
        oph_setting s;
        int after;
    } older = {.s = {.size = offsetof(oph_setting, number)}, .after = 7};
    older.s.number = 3;
    oph_settings_get(cam, "num_images", &older.s, &err);
    testOk(older.s.integer == 5 && older.s.number == 3,
           "no more is written than there is room for");
    oph_setting none = {.size = 0};
    code(oph_settings_get(cam, "num_images", &none, &err), OPH_EINVAL, &err, "without a size");
}

static void test_pop(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_setting s = {.size = sizeof s};
    code(oph_settings_pop(cam, "num_images", &s, &err), 0, &err, "pop a key");
    testOk1(!strcmp(s.key, "num_images") && s.integer == 5 && oph_settings_count(cam) == 2);
    code(oph_settings_pop(cam, "num_images", &s, &err), OPH_ENOTFOUND, &err, "pop it again");
    code(oph_settings_pop(cam, NULL, &s, &err), 0, &err, "pop the last");
    testOk1(!strcmp(s.key, "name") && !strcmp(s.text, "12"));
    code(oph_settings_pop(cam, oph_settings_key_at(cam, 0), NULL, &err), 0, &err, "pop the first");
    testOk1(oph_settings_count(cam) == 0);
    code(oph_settings_pop(cam, NULL, &s, &err), OPH_ENOTFOUND, &err, "pop from an empty list");
}

static void test_print(void)
{
    oph_error err = OPH_ERROR_INIT;
    char text[64] = "as it was";
    size_t length = 0;
    list_is(cam, "", "an empty list is an empty text");
    oph_settings_set(cam, "size.x", 7, NULL);
    oph_settings_set(cam, "acquire_time", 2.0, NULL);
    oph_settings_set(cam, "image_mode", "Single", NULL);
    list_is(cam, "size.x=7\nacquire_time=2.0\nimage_mode=Single\n", "one setting a line, in order");
    testOk1(!strcmp(oph_settings_value(cam, "acquire_time"), "2"));
    code(oph_settings_print(cam, text, 10, &length, &err), OPH_ERANGE, &err, "a small buffer");
    testOk1(!strcmp(text, "as it was") && length == 0);
    code(oph_settings_print(cam, NULL, 0, &length, &err), 0, &err, "its length");
    testOk1(length == strlen("size.x=7\nacquire_time=2.0\nimage_mode=Single\n"));
    code(oph_settings_print(cam, text, length + 1, NULL, &err), 0, &err, "room just enough");
    code(oph_settings_print(cam, text, length, NULL, &err), OPH_ERANGE, &err, "one less");
    oph_settings_text(cam, text, sizeof text);
    testOk(strstr(text, "('acquire_time', 2.0)") != NULL, "Python's text keeps the point: %s",
           text);
    const char *const bad[] = {"two\nlines", "a\tb\x01", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        oph_settings_set(cam, "name", bad[i], NULL);
        code(oph_settings_print(cam, text, sizeof text, NULL, &err), OPH_ERANGE, &err,
             "text that has no such form");
        testOk1(strstr(err.text, "det.cam") && strstr(err.text, "name"));
    }
    oph_settings_set(cam, "name", "x", NULL);
    oph_settings_set(cam, "acquire_time", (double)NAN, NULL);
    code(oph_settings_print(cam, text, sizeof text, NULL, &err), OPH_ERANGE, &err, "NaN");
    oph_settings_clear(cam);
}

/* What is printed is parsed as the same list: order, sorts of values and values. */
static void comes_back(const char *what)
{
    char text[600] = "", again[600] = "";
    oph_error err = OPH_ERROR_INIT;
    oph_settings_set(twin, "image_mode", 9, NULL);
    int rc = oph_settings_print(cam, text, sizeof text, NULL, &err);
    if (!rc) rc = parse(twin, text, OPH_SETTINGS_REPLACE, NULL, &err);
    bool same = !rc && oph_settings_count(cam) == oph_settings_count(twin);
    for (size_t i = 0; same && i < oph_settings_count(cam); i++) {
        oph_setting a = {.size = sizeof a}, b = {.size = sizeof b};
        const char *key = oph_settings_key_at(cam, i);
        same = !strcmp(key, oph_settings_key_at(twin, i)) &&
               !oph_settings_get(cam, key, &a, NULL) && !oph_settings_get(twin, key, &b, NULL) &&
               a.dtype == b.dtype && a.integer == b.integer && a.number == b.number &&
               (a.dtype == OPH_FLOAT64 || !strcmp(a.text, b.text));
    }
    oph_settings_print(twin, again, sizeof again, NULL, NULL);
    testOk(same && !strcmp(text, again), "comes back: %s", what);
    if (!same) testDiag("%s%s", text, err.text);
}

static void test_round_trip(void)
{
    static const char *const texts[] = {
        "",           " ",          "plain", "two words",     "12",   "-1.5",     "1e3",
        "nan",        "0x10",       "#",     "a#b",           "a=b",  "=",        "\"",
        "say \"hi\"", "C:\\data\\", "\\\\",  "%s%s_%3.3d.h5", "it's", "\xc3\xa4", "\t\xc2\xb5"};
    static const double numbers[] = {0, -0.0, 1, 0.1, 1e22, 1e-300, -2.5, 123456789012345680.0};
    static const int64_t integers[] = {0, -1, INT64_MIN, INT64_MAX};
    oph_settings_clear(cam);
    comes_back("an empty list");
    oph_settings_set(cam, "num_images", 1, NULL);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        oph_settings_set(cam, "name", texts[i], NULL);
        comes_back(texts[i]);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        oph_settings_set(cam, "acquire_time", numbers[i], NULL);
        comes_back(oph_settings_value(cam, "acquire_time"));
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        oph_settings_set(cam, "size.x", integers[i], NULL);
        comes_back(oph_settings_value(cam, "size.x"));
    }
    oph_settings_set(cam, "parent.twin.name", "", NULL);
    comes_back("a key through the parent");
}

static void test_modes(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_settings_clear(cam);
    oph_settings_set(cam, "image_mode", 1, NULL);
    oph_settings_set(cam, "num_images", 2, NULL);
    int rc = parse(cam, "# tonight\r\nacquire_time=0.2  image_mode=Single # two\n\n  name=\"a b\"",
                   OPH_SETTINGS_UPDATE, NULL, &err);
    code(rc, 0, &err, "a text that updates");
    list_is(cam, "image_mode=Single\nnum_images=2\nacquire_time=0.2\nname=\"a b\"\n",
            "known keys keep their place, new ones go last");
    rc = parse(cam, "name=x num_images=3", OPH_SETTINGS_REPLACE, NULL, &err);
    code(rc, 0, &err, "a text that replaces");
    list_is(cam, "name=x\nnum_images=3\n", "the list is what the text says");
    code(parse(cam, "", OPH_SETTINGS_UPDATE, NULL, &err), 0, &err, "nothing to update");
    testOk1(oph_settings_count(cam) == 2);
    code(parse(cam, "# nothing", OPH_SETTINGS_REPLACE, NULL, &err), 0, &err, "by nothing");
    testOk1(oph_settings_count(cam) == 0);
    code(parse(cam, "name=x", 2, NULL, &err), OPH_EINVAL, &err, "an unknown mode");
    code(parse(cam, NULL, 0, NULL, &err), OPH_EINVAL, &err, "no text");
    code(oph_settings_parse(cam, "", NULL, 0, NULL, &err), OPH_EINVAL, &err, "no origin");
}

static void test_mistakes(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"num_images", "mine.txt:1: wanted KEY=VALUE, found 'num_images'"},
        {"\nnum_images=", "mine.txt:2: 'num_images=' has no value"},
        {"num_images=1\nname=x num_images=2",
         "mine.txt:2: 'num_images' stands twice, first in line 1"},
        {"num_imges=1", "mine.txt:1: det.cam"},
        {"counter=1", "read-only"},
        {"=1", "mine.txt:1: det.cam"},
        {"name=\"x", "mine.txt:1: a quote that does not end"},
        {"name=\"x\\y\"", "mine.txt:1: in quotes a backslash"},
        {"name=\xff", "mine.txt:1: the line is not UTF-8"},
    };
    oph_settings_clear(cam);
    oph_settings_set(cam, "name", "before", NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        oph_error err = OPH_ERROR_INIT;
        oph_report *report = NULL;
        int rc = parse(cam, bad[i].text, OPH_SETTINGS_REPLACE, &report, &err);
        code(rc, OPH_EPARSE, &err, bad[i].says);
        testOk(strstr(err.text, bad[i].says) && oph_report_count(report) == 1, "says so, and once");
        oph_report_free(report);
    }
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    int rc = parse(cam, "num_images=4\nsize.x=\nnme=x\nacquire_time", OPH_SETTINGS_UPDATE, &report,
                   &err);
    code(rc, OPH_EPARSE, &err, "several mistakes");
    testOk1(oph_report_count(report) == 3);
    for (size_t i = 0; i < oph_report_count(report); i++) {
        char place[24];
        snprintf(place, sizeof place, "mine.txt:%zu: ", i + 2);
        testOk(!strncmp(oph_report_at(report, i)->text, place, strlen(place)), "%s",
               oph_report_at(report, i)->text);
    }
    testOk(!strcmp(err.text, oph_report_at(report, 0)->text), "the first one is the error");
    oph_report_free(report);
    list_is(cam, "name=before\n", "nothing of it changed the list");
}

static void test_copy(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_settings_clear(cam);
    oph_settings_set(cam, "num_images", 2, NULL);
    oph_settings_set(cam, "name", "a", NULL);
    oph_settings_set(twin, "size.x", 1, NULL);
    code(oph_settings_copy(twin, cam, &report, &err), 0, &err, "copy to a device of the class");
    testOk1(oph_report_count(report) == 0);
    oph_report_free(report);
    list_is(twin, "num_images=2\nname=a\n", "the list is the other's");
    oph_settings_set(twin, "name", "b", NULL);
    list_is(cam, "num_images=2\nname=a\n", "and each is a list of its own");
    oph_settings_set(other, "image_mode", 0, NULL);
    code(oph_settings_copy(other, cam, &report, &err), OPH_EACCESS, &err, "copy to another class");
    testOk(oph_report_count(report) == 2, "a line for each key that does not fit");
    testOk1(strstr(oph_report_at(report, 0)->text, "det.other.num_images") != NULL);
    testOk1(strstr(oph_report_at(report, 1)->text, "name") != NULL);
    oph_report_free(report);
    list_is(other, "image_mode=0\n", "and nothing was copied");
    code(oph_settings_copy(cam, cam, NULL, &err), 0, &err, "copy to itself");
    list_is(cam, "num_images=2\nname=a\n", "changes nothing");
}

int main(void)
{
    testPlan(0);
    fake_begin();
    oph_context *ctx = fake_context(classes, NULL);
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err) ||
        oph_device_child(det, "cam", &cam, &err) || oph_device_child(det, "twin", &twin, &err) ||
        oph_device_child(det, "other", &other, &err))
        testAbort("%s", err.text);
    test_get();
    test_pop();
    test_print();
    test_round_trip();
    test_modes();
    test_mistakes();
    test_copy();
    testOk(fake_opened() == 0, "no link was opened for any of it");
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
