/* ad/template and the file store: folders from strftime templates, from one instant for both sides.
 */
#include "ad/file_store.h"
#include "ad/template.h"
#include "base/str.h"
#include "core/stage.h"
#include "lib/fake_link.h"

#include <cophyd/class.h>
#include <cophyd/detector.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tm last_second = {.tm_year = 124,
                                      .tm_mon = 11,
                                      .tm_mday = 31,
                                      .tm_yday = 365,
                                      .tm_hour = 23,
                                      .tm_min = 59,
                                      .tm_sec = 59};
static const struct tm first_second = {.tm_year = 125, .tm_mon = 0, .tm_mday = 1};

static void expands(const char *text, const struct tm *when, bool windows, const char *wanted)
{
    char path[OPH__PATH_MAX] = "";
    oph_error err = OPH_ERROR_INIT;
    int rc = oph__template_expand("det.hdf1", text, when, windows, path, sizeof path, &err);
    testOk(!rc && !strcmp(path, wanted), "%s is %s", text, wanted);
    if (rc || strcmp(path, wanted) != 0) testDiag("found %s %s", path, err.text);
}

static void refuses(const char *text, bool windows)
{
    char path[OPH__PATH_MAX];
    oph_error err = OPH_ERROR_INIT;
    int rc = oph__template_check("det.hdf1", text, windows, &err);
    fake_code(rc, OPH_EPARSE, &err, err.text);
    testOk1(oph__starts(err.text, "det.hdf1: wanted "));
    testOk1(oph__template_expand("det.hdf1", text, &last_second, windows, path, sizeof path,
                                 NULL) == OPH_EPARSE);
}

static void test_expand(void)
{
    expands("/data/%Y/%m/%d/", &last_second, false, "/data/2024/12/31/");
    expands("/data/%Y/%m/%d/", &first_second, false, "/data/2025/01/01/");
    expands("/data/%Y-%j %H%M%S", &last_second, false, "/data/2024-366 235959/");
    expands("/data", &last_second, false, "/data/");
    expands("/data//", &last_second, false, "/data//");
    expands("/", &last_second, false, "/");
    expands("/100%%/%d", &last_second, false, "/100%/31/");
    expands("/a\\", &last_second, false, "/a\\/");
}

static void test_windows(void)
{
    expands("C:\\data\\%Y\\", &last_second, true, "C:\\data\\2024\\");
    expands("C:\\data", &last_second, true, "C:\\data\\");
    expands("C:/data", &last_second, true, "C:/data/");
    expands("z:/data\\%d", &last_second, true, "z:/data\\31/");
    expands("\\\\server\\share", &last_second, true, "\\\\server\\share\\");
    expands("C:\\", &last_second, true, "C:\\");
    expands("/data", &last_second, true, "/data/");
}

static void test_refusals(void)
{
    refuses("", false);
    refuses("data/%Y", false);
    refuses("./data", false);
    refuses("C:\\data", false);
    refuses("\\data", false);
    refuses("/data/%Q", false);
    refuses("/data/%", false);
    refuses("/data/%-d", false);
    refuses("/data/%1000000d", false);
    refuses("/data/%n", false);
    refuses("/data/%t", false);
    refuses("/data/\33[2J", false);
    refuses("/data/\xC2\x9B", false);
    refuses("data", true);
    refuses("C:data", true);
    refuses("C:", true);
    refuses("C", true);
    refuses("", true);
}

static void test_length(void)
{
    char path[12];
    oph_error err = OPH_ERROR_INIT;
    testOk1(oph__template_expand("d", "/234567890", &last_second, false, path, 12, NULL) == 0);
    testOk1(oph__template_expand("d", "/23456789/", &last_second, false, path, 11, NULL) == 0);
    testOk1(oph__template_expand("d", "/23456789", &last_second, false, path, 11, NULL) == 0 &&
            !strcmp(path, "/23456789/"));
    fake_code(oph__template_expand("d", "/234567890", &last_second, false, path, 11, &err),
              OPH_ERANGE, &err, "a separator too many");
    fake_code(oph__template_expand("d", "/data/%Y/%Y", &last_second, false, path, 11, &err),
              OPH_ERANGE, &err, "a path that is too long");
    testOk(strstr(err.text, "longer than 10 characters") != NULL, "%s", err.text);
}

/* The store's clock goes on by a day at each look. */
static time_t days;

time_t time(time_t *ret)
{
    time_t now = 1735689599 + 86400 * days++; /* 2024-12-31 23:59:59 UTC */
    if (ret) *ret = now;
    return now;
}

#define INT_ROW(attr, pv) "row " attr " " pv " ro int normal\n"
static const char classes[] =
    "class Plugin\n"
    "hook file_store\n"
    "row file_path FilePath path text normal\n"
    "row file_name FileName rw text normal\n"
    "row file_number FileNumber rw int normal - counter\n"
    "row file_template FileTemplate rw text normal\n"
    "row auto_increment AutoIncrement rw enum normal\n"
    "row auto_save AutoSave rw enum normal\n"
    "row create_directory CreateDirectory rw int normal\n"
    "row lazy_open LazyOpen rw enum normal\n"
    "row file_write_mode FileWriteMode rw enum normal\n"
    "row capture Capture start enum normal\n"
    "row num_capture NumCapture rw int normal\n"
    "row enable Enable rw enum normal\n"
    "row full_file_name FullFileName_RBV ro text normal\n"
    "row write_message WriteMessage ro text normal\n"
    "row nd_array_port NDArrayPort rw text normal\n"
    "row port_name PortName_RBV ro text normal\n" INT_ROW("file_path_exists", "FilePathExists_RBV")
        INT_ROW("num_captured", "NumCaptured_RBV") INT_ROW("write_status", "WriteStatus")
            INT_ROW("dropped_arrays", "DroppedArrays_RBV")
                INT_ROW("array_counter", "ArrayCounter_RBV")
                    INT_ROW("min_callback_time", "MinCallbackTime")
                        INT_ROW("array_size.width",
                                "ArraySize0_RBV") "class Det\n"
                                                  "dev hdf1 H: Plugin\n"
                                                  "files hdf1 write=/w/%Y%m%d read=/r/%Y%m%d/\n";

static void add_plugin_pvs(const char *prefix)
{
    static const char *const ints[] = {"FileNumber",         "CreateDirectory",  "NumCapture",
                                       "FilePathExists_RBV", "NumCaptured_RBV",  "WriteStatus",
                                       "DroppedArrays_RBV",  "ArrayCounter_RBV", "MinCallbackTime",
                                       "ArraySize0_RBV"};
    static const char *const enums[] = {"LazyOpen", "FileWriteMode", "Capture", "Capture_RBV",
                                        "Enable",   "AutoIncrement", "AutoSave"};
    static const char *const texts[] = {"FilePath",         "FilePath_RBV", "FileName",
                                        "FullFileName_RBV", "WriteMessage", "NDArrayPort",
                                        "PortName_RBV",     "FileTemplate"};
    char name[40];
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++)
        fake_pv(oph__format(name, sizeof name, "X:%s:%s", prefix, ints[i]), OPH_INT32, 1, "", "1");
    for (size_t i = 0; i < sizeof enums / sizeof enums[0]; i++)
        fake_pv(oph__format(name, sizeof name, "X:%s:%s", prefix, enums[i]), OPH_ENUM, 1, "No,Yes",
                "0");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        fake_pv(oph__format(name, sizeof name, "X:%s:%s", prefix, texts[i]), OPH_UINT8, 256, "",
                "/old/");
    fake_rule(oph__format(name, sizeof name, "X:%s:FilePath", prefix), FAKE_PATH);
}

static void add_pvs(void)
{
    add_plugin_pvs("H");
    add_plugin_pvs("I");
}

static void test_instant(oph_device *det, oph_device *hdf)
{
    oph_error err = OPH_ERROR_INIT;
    char folder[80], name[80], file[100], local[200];
    days = 0;
    fake_code(oph_file_name(hdf, OPH_SIDE_LOCAL, local, sizeof local, &err), OPH_ESTATE, &err,
              "before the first acquisition");
    fake_code(oph_stage(det, NULL, &err), 0, (err = (oph_error)OPH_ERROR_INIT, &err), "stage");
    testOk1(oph_get_text(hdf, "file_path", folder, sizeof folder, NULL) == 0);
    testOk1(oph_get_text(hdf, "file_name", name, sizeof name, NULL) == 0 && strlen(name) == 23);
    testOk(!strcmp(folder, "/w/20241231/"), "the folder at the IOC: %s", folder);
    testOk(fake_is("X:H:FileNumber", "0"), "the file number starts at 0");
    fake_code(oph_file_name(hdf, OPH_SIDE_IOC, local, sizeof local, &err), OPH_ESTATE, &err,
              "a name is never guessed");
    oph__store_note_file(hdf, oph__format(file, sizeof file, "%s%s_000.h5", folder, name));
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_file_name(hdf, OPH_SIDE_LOCAL, local, sizeof local, &err), 0, &err,
              "a local name");
    testOk(oph__starts(local, "/r/20241231/"), "both sides are of one instant: %s", local);
    testOk1(oph_file_name(hdf, OPH_SIDE_IOC, local, sizeof local, NULL) == 0 &&
            !strcmp(local, file));
    fake_code(oph_file_name(hdf, OPH_SIDE_IOC, local, strlen(file), &err), OPH_ERANGE, &err,
              "a buffer that is too small");
    fake_code(oph_unstage(det, NULL, (err = (oph_error)OPH_ERROR_INIT, &err)), 0, &err, "unstage");
    testOk1(fake_is("X:H:FilePath", "/old/") && fake_is("X:H:FileName", "/old/"));
    testOk(oph_stage(det, NULL, NULL) == 0 &&
               oph_get_text(hdf, "file_path", folder, sizeof folder, NULL) == 0 &&
               !strcmp(folder, "/w/20250101/"),
           "the next stage has its own instant: %s", folder);
    oph_unstage(det, NULL, NULL);
}

/* Of several plugins, too. */
static void test_one_instant(oph_context *ctx)
{
    static const char text[] = "class Pair\n"
                               "dev one H: Plugin\n"
                               "dev two I: Plugin\n"
                               "files one write=/w/%Y%m%d\n"
                               "files two write=/v/%Y%m%d\n";
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL;
    char one[80] = "", two[80] = "";
    if (oph_class_parse(ctx, text, "pair", NULL, &err) ||
        oph_device_new(ctx, "Pair", "X:", "det", &det, &err))
        testAbort("%s", err.text);
    days = 0;
    fake_code(oph_stage(det, NULL, &err), 0, &err, "stage of two plugins");
    oph_get_text(det, "one.file_path", one, sizeof one, NULL);
    oph_get_text(det, "two.file_path", two, sizeof two, NULL);
    testOk(!strcmp(one, "/w/20241231/") && !strcmp(two, "/v/20241231/"),
           "their folders are of one instant: %s %s", one, two);
    oph_unstage(det, NULL, NULL);
    oph_device_free(det);
}

/* The user's number of folders to create stands; 0 becomes -5 and is put back. */
static void test_create_directory(oph_device *det)
{
    fake_forget_puts();
    testOk1(oph_stage(det, NULL, NULL) == 0 && !strstr(fake_puts(), "CreateDirectory"));
    oph_unstage(det, NULL, NULL);
    fake_set("X:H:CreateDirectory", "0");
    testOk1(oph_stage(det, NULL, NULL) == 0 && fake_is("X:H:CreateDirectory", "-5"));
    testOk1(oph_unstage(det, NULL, NULL) == 0 && fake_is("X:H:CreateDirectory", "0"));
}

static void test_set(oph_device *det, oph_device *hdf)
{
    oph_error err = OPH_ERROR_INIT;
    char folder[80];
    fake_code(oph_files_set(hdf, "data", NULL, &err), OPH_EPARSE, &err, "a relative folder");
    fake_code(oph_files_set(hdf, NULL, NULL, &err), OPH_EINVAL, &err, "NULL");
    fake_code(oph_files_set(det, "/data", NULL, &err), OPH_EINVAL, &err, "a device without files");
    fake_code(oph_files_set_semantics(hdf, 7, &err), OPH_EINVAL, &err, "unknown semantics");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_files_set(hdf, "/same", NULL, &err), 0, &err, "one folder for both");
    testOk1(oph_stage(det, NULL, NULL) == 0 &&
            oph_get_text(hdf, "file_path", folder, sizeof folder, NULL) == 0 &&
            !strcmp(folder, "/same/"));
    testOk1(oph_unstage(det, NULL, NULL) == 0);
    fake_set("X:H:FilePathExists_RBV", "0");
    fake_code(oph_stage(det, NULL, &err), OPH_EFILE, &err, "a folder that the IOC lacks");
    testOk1(fake_is("X:H:FilePath", "/old/") && strstr(err.text, "/same/"));
}

/* What staging says of the pair; it writes nothing where it refuses. */
static void pair_is(oph_device *det, oph_device *hdf, const char *folder, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    char text[80] = "";
    fake_forget_puts();
    int rc = oph_stage(det, NULL, &err);
    if (folder) {
        oph_get_text(hdf, "file_path", text, sizeof text, NULL);
        testOk(!rc && !strcmp(text, folder), "it is staged in %s %s", text, err.text);
        testOk1(oph_unstage(det, NULL, NULL) == 0);
        return;
    }
    testOk(rc == OPH_EINVAL && strstr(err.wanted, "both templates") && strstr(err.found, found),
           "%s", err.text);
    testOk(!*fake_puts(), "nothing was sent %s", fake_puts());
}

static void has_template(oph_device *hdf, int32_t side, const char *wanted)
{
    char text[80] = "";
    int rc = oph_files_get(hdf, side, text, sizeof text, NULL);
    testOk(!rc && !strcmp(text, wanted), "the template of side %d is %s", (int)side, text);
}

static void test_alone(oph_device *det, oph_device *hdf)
{
    oph_error err = OPH_ERROR_INIT;
    char small[4] = "abc";
    fake_set("X:H:FilePathExists_RBV", "1");
    testOk1(oph_files_set(hdf, "/w/1", "/r/1", NULL) == 0);
    pair_is(det, hdf, "/w/1/", NULL);
    testOk1(oph_files_set_write(hdf, "/w/2", NULL) == 0);
    has_template(hdf, OPH_SIDE_IOC, "/w/2");
    has_template(hdf, OPH_SIDE_LOCAL, "/r/1");
    pair_is(det, hdf, NULL, "only the write template, to \"/w/2\": set the read template too");
    testOk1(oph_files_set_write(hdf, "/w/3", NULL) == 0);
    pair_is(det, hdf, NULL, "only the write template, to \"/w/3\"");
    testOk1(oph_files_set_read(hdf, "/r/3", NULL) == 0);
    pair_is(det, hdf, "/w/3/", NULL);
    testOk1(oph_files_set_read(hdf, "/r/4", NULL) == 0);
    pair_is(det, hdf, NULL, "only the read template, to \"/r/4\": set the write template too");
    testOk1(oph_files_set_write(hdf, "/w/3", NULL) == 0);
    pair_is(det, hdf, "/w/3/", NULL);
    testOk1(oph_files_set_write(hdf, "/w/5", NULL) == 0 &&
            oph_files_set(hdf, "/6", NULL, NULL) == 0);
    has_template(hdf, OPH_SIDE_LOCAL, "/6");
    pair_is(det, hdf, "/6/", NULL);
    /* Without a read template the write template is both, and may be changed alone. */
    testOk1(oph_files_set_write(hdf, "/7", NULL) == 0);
    has_template(hdf, OPH_SIDE_LOCAL, "/7");
    pair_is(det, hdf, "/7/", NULL);
    testOk1(oph_files_set_read(hdf, "/r/8", NULL) == 0);
    pair_is(det, hdf, NULL, "only the read template");
    testOk1(oph_files_set_write(hdf, "/7", NULL) == 0);
    pair_is(det, hdf, "/7/", NULL);
    /* A wrong one changes nothing. */
    fake_code(oph_files_set_write(hdf, "data", &err), OPH_EPARSE, &err, "a relative folder");
    fake_code(oph_files_set_read(hdf, "/%Q", &err), OPH_EPARSE, &err, "a field that none knows");
    fake_code(oph_files_set_write(hdf, NULL, &err), OPH_EINVAL, &err, "NULL");
    fake_code(oph_files_set_read(hdf, NULL, &err), OPH_EINVAL, &err, "NULL");
    fake_code(oph_files_set_read(det, "/r", &err), OPH_EINVAL, &err, "a device without files");
    fake_code(oph_files_get(hdf, OPH_SIDE_IOC, small, 2, &err), OPH_ERANGE, &err, "a small buffer");
    fake_code(oph_files_get(hdf, 7, small, sizeof small, &err), OPH_EINVAL, &err, "no side");
    testOk1(!strcmp(small, "abc"));
    pair_is(det, hdf, "/7/", NULL);
}

/* FullFileName_RBV keeps the former file's name until the IOC has posted ours. */
static void is_ours(oph_device *hdf, const char *full, bool wanted)
{
    testOk(oph__store_is_ours(hdf, full) == wanted, "%s is %sour file", full, wanted ? "" : "not ");
}

static void test_former(oph_device *det, oph_device *hdf)
{
    testOk1(oph_files_set(hdf, "/d", NULL, NULL) == 0);
    testOk1(oph_files_set_name(hdf, OPH_NAME_COUNTER, "scan", NULL) == 0);
    fake_set("X:H:FileTemplate", "%s%s_%3.3d.h5");
    fake_set("X:H:FileNumber", "5");
    fake_set("X:H:FullFileName_RBV", "/d/scan_004.h5");
    testOk1(oph_stage(det, NULL, NULL) == 0 && fake_is("X:H:FileNumber", "5"));
    is_ours(hdf, "/d/scan_004.h5", false);
    is_ours(hdf, "/d/scan_005.h5", true);
    is_ours(hdf, "/d/scan_006.h5", true); /* somebody moved the number: the IOC's word counts */
    is_ours(hdf, "/d/other_005.h5", false);
    is_ours(hdf, "", false);
    testOk1(oph_unstage(det, NULL, NULL) == 0 && fake_is("X:H:FileNumber", "5"));
    fake_set("X:H:FullFileName_RBV", "/d/scan_005.h5");
    testOk1(oph_stage(det, NULL, NULL) == 0);
    is_ours(hdf, "/d/scan_005.h5", true); /* it is to be overwritten */
    testOk1(oph_unstage(det, NULL, NULL) == 0);
    fake_set("X:H:FileTemplate", "%s%s_%x.h5"); /* what it makes cannot be known */
    testOk1(oph_stage(det, NULL, NULL) == 0);
    is_ours(hdf, "/d/scan_005.h5", false);
    is_ours(hdf, "/d/scan_5.h5", true);
    testOk1(oph_unstage(det, NULL, NULL) == 0);
    fake_set("X:H:FileTemplate", "/old/");
    testOk1(oph_stage(det, NULL, NULL) == 0);
    is_ours(hdf, "/old/", true); /* no place for a name */
    testOk1(oph_unstage(det, NULL, NULL) == 0);
    testOk1(oph_files_set_name(hdf, OPH_NAME_UUID, NULL, NULL) == 0);
}

/* What the IOC says was written, as the local name of it. */
static void root_has(oph_device *hdf, const char *name, const char *below, int wanted)
{
    oph_error err = OPH_ERROR_INIT;
    char file[200], local[200] = "untouched", sentence[80];
    oph__store_note_file(hdf, oph__format(file, sizeof file, "/w/%s", name));
    int rc = oph_file_name(hdf, OPH_SIDE_LOCAL, local, sizeof local, &err);
    fake_code(rc, wanted, &err, oph__format(sentence, sizeof sentence, "the file %s", name));
    testOk1(rc ? !strcmp(local, "untouched") : oph__ends(local, name));
    rc = oph_file_name_at(hdf, 0, OPH_SIDE_LOCAL, local, sizeof local, &err);
    testOk(rc == wanted && strstr(err.text, below), "%s", rc ? err.text : "it is given");
}

static void stage_in(oph_device *det, oph_device *hdf, const char *folder, int wanted)
{
    oph_error err = OPH_ERROR_INIT;
    char sentence[200];
    testOk1(oph_files_set(hdf, "/w", folder, NULL) == 0);
    fake_forget_puts();
    int rc = oph_stage(det, NULL, &err);
    fake_code(rc, wanted, &err, oph__format(sentence, sizeof sentence, "to read from %s", folder));
    testOk1(rc ? !*fake_puts() : oph_unstage(det, NULL, NULL) == 0);
}

/* Under a root: folders there, absent ones, links out of it and into it, and what resembles it. */
static void test_root(oph_device *det, oph_device *hdf)
{
    char top[] = "/tmp/cophyd-root-XXXXXX", path[9][80], text[100];
    oph_error err = OPH_ERROR_INIT;
    static const char *const names[] = {"in",      "in/deep",   "out", "in/away", "in/back",
                                        "in/lost", "in/deep/f", "in2", "in/chain"};
    enum { IN, DEEP, OUT, AWAY, BACK, LOST, FILE_, IN2, CHAIN };
    if (!mkdtemp(top)) testAbort("no folder");
    for (int i = 0; i < 9; i++)
        oph__format(path[i], sizeof path[i], "%s/%s", top, names[i]);
    if (mkdir(path[IN], 0700) || mkdir(path[DEEP], 0700) || mkdir(path[OUT], 0700) ||
        mkdir(path[IN2], 0700) || symlink(path[OUT], path[AWAY]) || symlink("deep", path[BACK]) ||
        symlink("/nowhere/at/all", path[LOST]) || symlink("away", path[CHAIN]) ||
        mkfifo(path[FILE_], 0600))
        testAbort("no files");
    fake_code(oph_files_set_root(hdf, "data", &err), OPH_EPARSE, &err, "a relative root");
    fake_code(oph_files_set_root(hdf, "/\33", &err), OPH_EPARSE, &err, "a root of controls");
    fake_code(oph_files_set_root(det, "/data", &err), OPH_EINVAL, &err, "without files");
    testOk1(oph_files_set_root(hdf, path[IN], NULL) == 0);
    stage_in(det, hdf, path[IN], 0);
    stage_in(det, hdf, path[DEEP], 0);
    stage_in(det, hdf, path[BACK], 0);
    stage_in(det, hdf, path[OUT], OPH_EFILE);
    stage_in(det, hdf, path[IN2], OPH_EFILE);
    stage_in(det, hdf, path[AWAY], OPH_EFILE);
    stage_in(det, hdf, path[CHAIN], OPH_EFILE);
    stage_in(det, hdf, path[LOST], OPH_EFILE);
    stage_in(det, hdf, oph__format(text, sizeof text, "%s/new/%%Y", path[IN]), 0);
    stage_in(det, hdf, oph__format(text, sizeof text, "%s/../out", path[IN]), OPH_EFILE);
    stage_in(det, hdf, oph__format(text, sizeof text, "%s/new/../../out", path[IN]), OPH_EFILE);
    stage_in(det, hdf, oph__format(text, sizeof text, "%s/deep/f", path[IN]), OPH_EFILE);
    testOk1(oph_files_set(hdf, "/w", path[IN], NULL) == 0 && oph_stage(det, NULL, NULL) == 0);
    root_has(hdf, "a.h5", "", 0);
    root_has(hdf, "deep/new/a.h5", "", 0);
    root_has(hdf, "back/a.h5", "", 0);
    root_has(hdf, "away/a.h5", path[OUT], OPH_EFILE);
    root_has(hdf, "chain/a.h5", path[OUT], OPH_EFILE);
    root_has(hdf, "lost", "No such file", OPH_EFILE);
    root_has(hdf, "lost/a.h5", "No such file", OPH_EFILE);
    root_has(hdf, "../out/a.h5", "not in that folder", OPH_EFILE);
    root_has(hdf, "a\33]0;x\a.h5", "not in that folder", OPH_EFILE);
    oph__store_note_file(hdf, "/etc/passwd");
    fake_code(oph_file_name(hdf, OPH_SIDE_LOCAL, text, sizeof text, &err), OPH_EFILE, &err,
              "an absolute name");
    testOk1(oph_unstage(det, NULL, NULL) == 0 && oph_files_set_root(hdf, NULL, NULL) == 0);
    stage_in(det, hdf, path[OUT], 0);
    for (int i = 8; i >= 0; i--)
        remove(path[i]);
    testOk1(rmdir(path[IN]) && rmdir(top) == 0);
}

/* Of a device that no class text gave a folder. */
static void test_none(oph_context *ctx)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *hdf = NULL;
    char text[80] = "";
    if (oph_device_new(ctx, "Plugin", "X:H:", "hdf", &hdf, &err)) testAbort("%s", err.text);
    fake_code(oph_files_get(hdf, OPH_SIDE_IOC, text, sizeof text, &err), OPH_ESTATE, &err, "none");
    fake_code(oph_stage(hdf, NULL, &err), OPH_EINVAL, &err, "staged without templates");
    testOk1(oph_files_set_read(hdf, "/r", NULL) == 0);
    fake_code(oph_stage(hdf, NULL, &err), OPH_EINVAL, &err, "staged with one to read");
    testOk(strstr(err.found, "only one to read") != NULL, "%s", err.text);
    testOk1(oph_files_set_write(hdf, "/w", NULL) == 0);
    testOk(oph_stage(hdf, NULL, &err) == 0, "with both it is staged %s", err.text);
    testOk1(oph_unstage(hdf, NULL, NULL) == 0);
    testOk1(oph_files_set_semantics(hdf, OPH_PATH_WINDOWS, NULL) == 0);
    fake_code(oph_files_set(hdf, "C:\\data", NULL, &err), OPH_EPARSE, &err,
              "a folder of Windows for both sides");
    oph_device_free(hdf);
}

/* A child's own line, and its parent's. */
static void test_rows(oph_context *ctx)
{
    static const char text[] = "class Own : Plugin\n"
                               "files . write=/w read=/r name=counter overwrite=yes\n"
                               "class Good\ndev hdf1 H: Own\nfiles hdf1 write=/a read=/b\n"
                               "class Half\ndev hdf1 H: Own\nfiles hdf1 write=/a\n"
                               "class Cam\nrow x X rw int config\n"
                               "class Lost\ndev cam C: Cam\nfiles cam write=/a\n"
                               "class Here\ndev hdf1 H: Own\nfiles hdf1 write=a read=/b\n";
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL, *hdf = NULL;
    if (oph_class_parse(ctx, text, "rows", NULL, &err) ||
        oph_device_new(ctx, "Good", "X:", "det", &det, &err) ||
        oph_device_child(det, "hdf1", &hdf, &err))
        testAbort("%s", err.text);
    has_template(hdf, OPH_SIDE_IOC, "/a");
    has_template(hdf, OPH_SIDE_LOCAL, "/b");
    oph_device_free(det);
    det = NULL;
    fake_code(oph_device_new(ctx, "Half", "X:", "det", &det, &err), OPH_EINVAL, &err,
              "one of two folders");
    testOk(!det && strstr(err.text, "found write=/a alone, where read=/r was said before, for the "
                                    "folders at rows:8"),
           "%s", err.text);
    fake_code(oph_device_new(ctx, "Lost", "X:", "det", &det, &err), OPH_EPARSE, &err,
              "folders of a device that writes no files");
    testOk(!det && strstr(err.text, "det.cam: wanted a class with a file store, found Cam, for the "
                                    "folders at rows:13"),
           "%s", err.text);
    fake_code(oph_device_new(ctx, "Here", "X:", "det", &det, &err), OPH_EPARSE, &err,
              "a relative folder");
    testOk(!det &&
               strstr(err.text, "det.hdf1: wanted a folder such as /data/, found \"a\", for the "
                                "folders at rows:16"),
           "%s", err.text);
}

int main(void)
{
    static const struct oph__trigger_ops *const triggers[] = {NULL};
    static const struct oph__hook_ops *const hooks[] = {&oph__file_store, NULL};
    static const struct oph__behaviours behaviours = {.triggers = triggers, .hooks = hooks};
    oph_device *det = NULL, *hdf = NULL;
    oph_error err = OPH_ERROR_INIT;

    setenv("TZ", "UTC", 1);
    testPlan(0);
    test_expand();
    test_windows();
    test_refusals();
    test_length();
    fake_begin();
    add_pvs();
    oph_context *ctx = fake_context(classes, &behaviours);
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err) ||
        oph_device_child(det, "hdf1", &hdf, &err))
        testAbort("%s", err.text);
    test_instant(det, hdf);
    test_create_directory(det);
    test_set(det, hdf);
    test_alone(det, hdf);
    test_former(det, hdf);
    test_root(det, hdf);
    oph_device_free(det);
    test_one_instant(ctx);
    test_none(ctx);
    test_rows(ctx);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
