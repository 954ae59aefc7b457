/* Reading a class text: what each mistake says, and what is kept of a text without any. */
#include "base/str.h"
#include "core/classtext.h"
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static bool known(void *user, const char *kind, const char *name)
{
    (void)user;
    return strcmp(kind, "trigger") == 0 ? strcmp(name, "single") == 0 : strcmp(name, "store") == 0;
}

static struct oph__classes *new_classes(void)
{
    struct oph__classes *reg = NULL;

    if (oph__classes_new(known, NULL, &reg, NULL)) testAbort("no classes");
    return reg;
}

#define ROW "row x X rw int normal\n"
#define LONG31 "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
/* A text, and the sentences of its mistakes, one a line. */
static const struct {
    const char *text, *report;
} mistakes[] = {
    {"", "t:1: there is no class in this text\n"},
    {"# nothing\n\n", "t:1: there is no class in this text\n"},
    {"rwo x\n", "t:1: unknown statement 'rwo'; the nearest is row\n"},
    {"class A\nfrobnicate\n", "t:2: unknown statement 'frobnicate'\n"},
    {ROW, "t:1: 'row' before the first class\n"},
    {"class\n", "t:1: wanted `class NAME [: BASE ...]`, found 1 word\n"},
    {"class 9A\n", "t:1: '9A' is no class name: letters, digits and _ make one\n"},
    {"class A: B\n", "t:1: 'A:' is no class name: letters, digits and _ make one\n"
                     "t:1: wanted `class NAME : BASE ...`, found 'B'\n"},
    {"class A :\n", "t:1: wanted `class NAME : BASE ...`, found ':'\n"},
    {"class Camera\nclass A : Camra\n",
     "t:2: class A: there is no class Camra; the nearest is Camera\n"},
    {"class A : B\n" ROW "class C : A\n", "t:1: class A: there is no class B\n"},
    {"class B\nclass A : B@x\n", "t:2: class B@x: wanted a version like 3.4, found 'x'\n"},
    {"class A : B\nclass B : C\nclass C : A\nclass D : A\n",
     "t:3: class C derives from itself: C : A : B : C\n"},
    {"class A : A\n", "t:1: class A derives from itself: A : A\n"},
    {"class A\nclass B\nclass A\n", "t:3: class A is defined twice, first in t:1\n"},
    {"class A\n" ROW "row x Y rw int normal\n",
     "t:3: class A has 'row x' twice, first in line 2\n"},
    {"class A\nrow x X rw int normal 3.4\n" ROW "row x Y rw int normal 3.4\n",
     "t:4: class A has 'row x since 3.4' twice, first in line 2\n"},
    {"class A\nrow x X wr int normal\n", "t:2: unknown how 'wr'; the nearest is rw\n"},
    {"class A\nrow x X rw itn normal\n", "t:2: unknown type 'itn'; the nearest is int\n"},
    {"class A\nrow x X rw int norml\n", "t:2: unknown kind 'norml'; the nearest is normal\n"},
    {"class A\nrow x X rw int normal 3.4 buzy\n",
     "t:2: unknown option 'buzy'; the nearest is busy\n"},
    {"class A\nrow x X rw int normal 3.x\n", "t:2: since '3.x': wanted a version like 3.4, or -\n"},
    {"class A\nrow x X rw int normal - slow\n", "t:2: option 'slow' needs a value\n"},
    {"class A\nrow x X rw int normal - busy=1\n", "t:2: option 'busy' takes no value\n"},
    {"class A\nrow x X rw int normal - slow=-1\n", "t:2: slow=-1: wanted a number of seconds\n"},
    {"class A\nrow x X rw int normal - labels=A|B\n", "t:2: row x: only an enum has labels\n"},
    {"class A\nrow x X rw enum normal - labels=\n",
     "t:2: labels=: wanted up to 16 labels of at most 25 characters with | between\n"},
    {"class A\nrow x X rw enum normal - labels=0|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16\n",
     "t:2: labels=: wanted up to 16 labels of at most 25 characters with | between\n"},
    {"class A\nrow x X rbv enum normal - labels=A readback=B|abcdefghijklmnopqrstuvwxyz\n",
     "t:2: readback=: wanted up to 16 labels of at most 25 characters with | between\n"},
    {"class A\nrow x X rw enum normal - labels=A readback=B\n",
     "t:2: row x: readback= is for a row with labels= and a readback\n"},
    {"class A\nrow x X rbv enum normal - readback=B\n",
     "t:2: row x: readback= is for a row with labels= and a readback\n"},
    {"class A\nrow x X rw text normal - length=0\n",
     "t:2: length=0: wanted a number of elements\n"},
    {"class A\nrow x X rw int normal - length=2\n",
     "t:2: row x: only a text or an array has a length\n"},
    {"class A\nrow x X rw array normal - of=itn\n",
     "t:2: unknown type of elements 'itn'; the nearest is int\n"},
    {"class A\nrow x X rw int normal - of=int\n", "t:2: row x: only an array is of something\n"},
    {"class A\n" ROW "row y Y rw int normal - after=z\n",
     "t:3: row y: after=z: A has no attribute z\n"},
    {"class A\nrow x X rw int normal - after=x,,y\n",
     "t:2: after=x,,y: wanted attributes with commas between\n"},
    {"class A\nrow x X rw int normal - after=y\nrow y Y rw int normal - after=x\n",
     "t:2: row x: after=y comes back to x\nt:3: row y: after=x comes back to y\n"},
    {"class A\nrow x X rw int normal \"doc\" busy\n",
     "t:2: \"doc\": only the doc, at the end, is in quotes\n"},
    {"class A\nrow x X rw int\n",
     "t:2: wanted `row ATTR SUFFIX HOW TYPE KIND ...`, found 5 words\n"},
    {"class A\nrow x X\n", "t:2: wanted `row ATTR SUFFIX HOW TYPE KIND [SINCE] [OPTION...] "
                           "[\"DOC\"]`, found 3 words\n"},
    {"class A\nrow x - gone\n", "t:2: a gone row says since when: row x - gone 3.3\n"},
    {"class A\nrow Size SizeX rw int normal\n",
     "t:2: 'Size' is no attribute: small letters, digits, _ and . make one, of up to 120 "
     "characters, and parent means the device above\n"},
    {"class A\nrow parent.x X rw int normal\n",
     "t:2: 'parent.x' is no attribute: small letters, digits, _ and . make one, of up to 120 "
     "characters, and parent means the device above\n"},
    {"class A\nrow x " LONG31 LONG31 " ro int normal\n",
     "t:2: '" LONG31 LONG31 "' makes a PV name of 62 characters: the most is 60\n"},
    {"class A\nrow x " LONG31 "abcdefghijklmnopqrstuvwxyz rbv int normal\n",
     "t:2: '" LONG31
     "abcdefghijklmnopqrstuvwxyz' makes a PV name of 61 characters: the most is 60\n"},
    {"class A\nrow x " LONG31 " ro int normal\nclass B\ndev a " LONG31 " A\n",
     "t:4: A: row x makes a PV name of 62 characters: the most is 60\n"},
    {"class A\ndoc never \"ends\n", "t:2: a quote that does not end in this line\n"},
    {"class A\ndoc a\"b\"\n", "t:2: a quote in the middle of a word\n"},
    {"class A\ndoc \"a\"b\n", "t:2: text right after the end of a quote\n"},
    {"class A\ndoc \"C:\\data\"\n",
     "t:2: in quotes a backslash stands before \" or another \\: write \\\\ for one\n"},
    {"class A\ndoc a\x01\n", "t:2: a control character in the line\n"},
    {"class A\rdoc b\n", "t:1: a control character in the line\n"},
    {"class A\ndoc \xC3\x28\n", "t:2: the line is not UTF-8\n"},
    {"class A\ndoc \xED\xA0\x80\n", "t:2: the line is not UTF-8\n"},
    {"class A\ndoc a\ndoc b\n", "t:3: class A has 'doc' twice, first in line 2\n"},
    {"class A\n" ROW "stage . y=1\n", "t:3: A: setting y: A has no attribute y\n"},
    {"class A\n" ROW "stage . X=1\n", "t:3: 'X' is no attribute that can be set\n"},
    {"class A\n" ROW "stage . x\n", "t:3: wanted KEY=VALUE, found 'x'\n"},
    {"class A\n" ROW "stage . x=\n", "t:3: 'x=' has no value: write x=\"\" for an empty one\n"},
    {"class A\n" ROW "stage\n", "t:3: wanted `stage CHILD|. KEY=VALUE ...`, found 1 word\n"},
    {"class A\n" ROW "class B\ndev a a: A\nstage a y=1\n",
     "t:5: B: setting a.y: A has no attribute y\n"},
    {"class A\n" ROW "class B\ndev a a: A\nstage b x=1\n",
     "t:5: B: setting b.x: B has no attribute b.x\n"},
    {"class A\n" ROW "class B\ndev a a: A\nstage . a=1\n", "t:5: B: setting a: a is a device\n"},
    {"class P\n" ROW "stage . parent.cam.y=1\nclass C\n" ROW "class D\ndev cam c: C\ndev p p: P\n",
     "t:8: P: setting parent.cam.y (of t:3): C has no attribute y\n"},
    {"class M\nstage . cam.x=1\nclass C\n" ROW "class D : M\ndev camera c: C\n",
     "t:5: D: setting cam.x (of t:2): D has no attribute cam.x\n"},
    {"class A\nrow x X gone 3.0\n"
     "row y Y rw int normal\nstage . x=1\n",
     "t:4: A: setting x: A has x only before 3.0\n"},
    {"class A\nrow y Y rw int normal\nrow x X rw int normal 3.0\nclass B : A@2.5\nstage . x=1\n",
     "t:5: B: setting x: B has x only since 3.0\n"},
    {"class A\n" ROW "cycle one y=1\n", "t:3: A: setting y: A has no attribute y\n"},
    {"class A\n" ROW "cycle One x=1\n", "t:3: wanted the name of a step, found 'One'\n"},
    {"class A\n" ROW "cycle one x\n", "t:3: wanted KEY=VALUE, found 'x'\n"},
    {"class A\n" ROW "cycle one\n", "t:3: wanted `cycle STEP KEY=VALUE ...`, found 2 words\n"},
    {"class M\ncycle one cam.x=1\nclass C\n" ROW "class D : M\ndev camera c: C\n",
     "t:5: D: setting cam.x (of t:2): D has no attribute cam.x\n"},
    {"class A\n" ROW "class B\n" ROW "dev x x: A\n", "t:5: B: x is a device and a row\n"},
    {"class A\n" ROW "row x.y Y rw int normal\n", "t:3: A: row x.y: x is a row\n"},
    {"class A\n" ROW "class B\nrow a.x X rw int normal\ndev a a: A\n",
     "t:4: B: row a.x: a is a device\n"},
    {"class A\n" ROW "class B\ndev a a: A\ndev a b: A\n",
     "t:5: class B has 'dev a' twice, first in line 4\n"},
    {"class A\ndev a.b a: A\n", "t:2: 'a.b' is no device attribute: small letters, digits and _ "
                                "make one, and parent means the device above\n"},
    {"class A\ndev a a: A\n", "t:2: A: device a contains itself\n"},
    {"class A\n" ROW "class B\ndev a a: C\n", "t:4: device a: there is no class C\n"},
    {"class A\n" ROW "class B\ndev a a: A@new\n",
     "t:4: device a: class A@new: wanted a version like 3.4, found 'new'\n"},
    {"class A\ntrigger singel\n", "t:2: unknown trigger 'singel'\n"},
    {"class A\nhook stroe\n", "t:2: unknown hook 'stroe'\n"},
    {"class A\ntrigger single\ntrigger single\n",
     "t:3: class A has two triggers, single and single\n"},
    {"class A\ntrigger single twice\n", "t:2: wanted `trigger NAME`, found 3 words\n"},
    {"class A\nhook store\nhook store\n", "t:3: class A has 'hook store' twice, first in line 2\n"},
    {"class A\nplugin A\nplugin B\n", "t:3: class A has 'plugin' twice, first in line 2\n"},
    {"class A\n" ROW "files . read=/x\n",
     "t:3: a files line says write=, the path as the IOC sees it\n"},
    {"class A\n" ROW "files . write=/x wirte=/y\n",
     "t:3: unknown key 'wirte'; the nearest is write\n"},
    {"class A\n" ROW "files . write=/x semantics=dos\n", "t:3: unknown semantics 'dos'\n"},
    {"class A\n" ROW "files . write=/x write=/y\n", "t:3: 'write=' stands twice\n"},
    {"class A\n" ROW "files . write=/x name=counte\n",
     "t:3: unknown name 'counte'; the nearest is counter\n"
     "t:3: a file name of one's own is in quotes: name=\"counte\"\n"},
    {"class A\n" ROW "files . write=/x name=\"\"\n",
     "t:3: name=\"\": wanted a file name without folders\n"},
    {"class A\n" ROW "files . write=/x name=\"a/b\"\n",
     "t:3: name=\"a/b\": wanted a file name without folders\n"},
    {"class A\n" ROW "files . write=/x name=uuid name=counter\n", "t:3: 'name=' stands twice\n"},
    {"class A\n" ROW "files . write=/x overwrite=1\n", "t:3: unknown overwrite '1'\n"},
    {"class A\n" ROW "files . write=/x read=/y\nclass B : A\nfiles . write=/z\n",
     "t:4: B: files .: A says both write= and read=, so read= has to be said again\n"},
    {"class A\n" ROW "files a write=/x\n", "t:3: A: files a: A has no device a\n"},
    /* All of them in one report, in the order of the lines where that is how they are found. */
    {"class A\nrow x X rw itn normal\nrow y Y rw int norml\nstage . z=1\nclass B : A\n",
     "t:2: unknown type 'itn'; the nearest is int\nt:3: unknown kind 'norml'; the nearest is "
     "normal\n"
     "t:4: A: setting z: A has no attribute z\n"},
};

static char *parse(struct oph__classes *reg, const char *text, const char *origin, int *ret_rc,
                   oph_error *err)
{
    oph_report *report = NULL;
    struct oph__buf buf = {0};

    *err = (oph_error)OPH_ERROR_INIT;
    *ret_rc = oph__classes_parse(reg, text, origin, &report, err);
    oph__buf_add(&buf, "");
    for (size_t i = 0; i < oph_report_count(report); i++)
        oph__buf_addf(&buf, "%s\n", oph_report_at(report, i)->text);
    oph_report_free(report);
    return buf.text;
}

static void test_mistakes(void)
{
    struct oph__classes *reg = new_classes();
    const struct oph__class *cls;
    oph_error err;
    int rc;

    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char *report = parse(reg, mistakes[i].text, "t", &rc, &err);
        bool ok = rc == OPH_EPARSE && err.code == rc && strcmp(report, mistakes[i].report) == 0 &&
                  strncmp(err.text, report, strlen(err.text)) == 0;
        testOk(ok, "%.*s", (int)strcspn(mistakes[i].report, "\n"), mistakes[i].report);
        if (!ok) testDiag("of: %s\nfound %d: %s", mistakes[i].text, rc, report);
        free(report);
    }
    testOk(oph__classes_get(reg, "A", 0, &cls, &err) == OPH_ENOTFOUND &&
               strcmp(err.text, "there is no class A") == 0,
           "nothing was added: %s", err.text);
    oph__classes_free(reg);
}

static void test_many(void)
{
    struct oph__classes *reg = new_classes();
    struct oph__buf text = {0};
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;

    oph__buf_add(&text, "class A\n");
    for (int i = 0; i < 123; i++)
        oph__buf_add(&text, "row\n");
    testOk1(oph__classes_parse(reg, text.text, "many", &report, &err) == OPH_EPARSE);
    testOk1(oph_report_count(report) == 101);
    testOk1(strcmp(oph_report_at(report, 100)->text, "many: 23 more mistakes") == 0);
    testOk1(oph__classes_parse(reg, text.text, NULL, NULL, NULL) == OPH_EPARSE);
    testOk1(oph__classes_parse(reg, NULL, "many", NULL, &err) == OPH_EINVAL &&
            err.code == OPH_EINVAL);
    testOk(strcmp(err.text, "many: wanted the text of classes, found NULL") == 0, "%s", err.text);
    oph_report_free(report);
    oph__buf_free(&text);
    oph__classes_free(reg);
}

/* Chains and widths that a person does not write, but a damaged file may hold. */
static void test_extremes(void)
{
    struct oph__classes *reg = new_classes();
    struct oph__buf text = {0};
    oph_error err = OPH_ERROR_INIT;

    for (int i = 0; i < 80; i++)
        oph__buf_addf(&text, "class A%d : A%d\n", i, i + 1);
    oph__buf_add(&text, "class A80\n" ROW);
    testOk1(oph__classes_parse(reg, text.text, "deep", NULL, &err) == OPH_EPARSE);
    testOk(strcmp(err.text, "deep:17: class A16 has more than 63 ancestors") == 0, "%s", err.text);
    text.len = 0;
    for (int i = 0; i < 20; i++)
        oph__buf_addf(&text, "class D%d\ndev a a: D%d\ndev b b: D%d\n", i, i + 1, i + 1);
    oph__buf_add(&text, "class D20\n" ROW);
    testOk1(oph__classes_parse(reg, text.text, "wide", NULL, &err) == OPH_EPARSE);
    testOk(strstr(err.text, "is one of more than 1000") || strstr(err.text, "16 devices deep"),
           "%s", err.text);
    text.len = 0;
    oph__buf_add(&text, "class E\n" ROW "stage .");
    for (int i = 0; i < 63; i++)
        oph__buf_add(&text, " x=1");
    testOk1(oph__classes_parse(reg, text.text, "long", NULL, &err) == OPH_EPARSE);
    testOk(strcmp(err.text, "long:3: more than 64 words in a line: use several lines") == 0, "%s",
           err.text);
    oph__buf_free(&text);
    oph__classes_free(reg);
}

static void test_content(void)
{
    static const char text[] =
        "# All of the grammar.\r\n"
        "class Cam\r\n"
        "doc   A \"small\" camera   # not this\r\n"
        "row\tacquire\tAcquire\tstart\tenum\tomitted\t-\tbusy after=size.x,mode \"it's # a "
        "doc\"\r\n"
        "row size.x SizeX rbv int config R3-4 slow=1.5 counter moves main\r\n"
        "row mode Mode#1 rw enum hinted # a comment\r\n"
        "row temp Temp_RBV.DISA ro float normal \"\xC2\xB0\x43\"\r\n"
        "row old - gone 3.3 \"no more\"\r\n"
        "stage . mode=Single size.x=-5 temp=0.105 acquire=\"1\"\r\n"
        "stage . mode=\"a \\\"b\\\" \\\\c\"\r\n"
        "class Det\r\n"
        "trigger single\r\n"
        "hook  store\r\n"
        "plugin NDFile\r\n"
        "dev   cam cam1: Cam \"the camera\"\r\n"
        "dev   bare \"\" Cam@3.9\r\n"
        "files cam write=C:\\data\\%Y\\ read=\"/data/my files/\" semantics=windows\r\n"
        "files . write=/data/a=b name=\"scan 1\" overwrite=yes\r\n"
        "stage cam mode=1e3 size.x=0x10";
    struct oph__classes *reg = new_classes();
    const struct oph__class *cam = NULL, *det = NULL;
    oph_error err;
    int rc;
    char *report = parse(reg, text, NULL, &rc, &err);

    if (!testOk(rc == 0 && *report == '\0', "a text without mistakes") ||
        oph__classes_get(reg, "Cam", 0, &cam, &err) ||
        oph__classes_get(reg, " Det ", 0, &det, &err))
        testAbort("%s %s", report, err.text);
    testOk(strcmp(cam->doc, "A small camera") == 0, "doc: %s", cam->doc);
    const struct oph__row *row = oph__class_row(cam, "acquire");
    testOk1(row && row->how == OPH__START && row->type == OPH__ENUM && row->kind == OPH__OMITTED);
    testOk1(row->busy && !row->moves && !row->main && row->since == 0 &&
            strcmp(row->after, "size.x,mode") == 0);
    testOk1(strcmp(row->doc, "it's # a doc") == 0 && row->line == 4 &&
            strcmp(row->origin, "text") == 0);
    row = oph__class_row(cam, "size.x");
    testOk1(row->how == OPH__RBV && row->kind == OPH__CONFIG && row->since == 3004 &&
            row->slow == 1.5 && row->counter && row->moves && row->main && *row->doc == '\0');
    testOk1(strcmp(oph__class_row(cam, "mode")->suffix, "Mode#1") == 0);
    testOk1(strcmp(oph__class_row(cam, "temp")->doc, "\xC2\xB0\x43") == 0);
    testOk1(cam->rows.count == 4 && cam->others.count == 1 && !oph__class_row(cam, "old"));

    const struct oph__stageword *const *set = (const struct oph__stageword *const *)cam->stage.at;
    testOk1(cam->stage.count == 4);
    testOk1(set[0]->value.kind == OPH__LIT_TEXT && strcmp(set[0]->value.text, "a \"b\" \\c") == 0);
    testOk1(set[1]->value.kind == OPH__LIT_INT && set[1]->value.i == -5);
    testOk1(set[2]->value.kind == OPH__LIT_FLOAT && set[2]->value.f == 0.105 &&
            strcmp(set[2]->value.text, "0.105") == 0);
    testOk1(set[3]->value.kind == OPH__LIT_TEXT && set[3]->line == 9);

    testOk1(strcmp(det->trigger, "single") == 0 && strcmp(det->plugin_type, "NDFile") == 0);
    testOk1(det->hooks.count == 1 && strcmp(det->hooks.at[0], "store") == 0);
    const struct oph__devrow *dev = det->devs.at[0], *bare = det->devs.at[1];
    testOk1(strcmp(dev->classes, "Cam") == 0 && strcmp(dev->doc, "the camera") == 0);
    testOk1(*bare->suffix == '\0' && strcmp(bare->classes, "Cam@3.9") == 0 && *bare->doc == '\0');
    const struct oph__filesrow *files = det->files.at[0], *own = det->files.at[1];
    testOk1(files->windows && strcmp(files->write, "C:\\data\\%Y\\") == 0 &&
            strcmp(files->read, "/data/my files/") == 0 && strcmp(files->child, "cam") == 0);
    testOk1(files->naming == OPH__NAMING_UNSAID && !files->name && files->overwrite == -1);
    testOk1(own->naming == OPH__NAMING_FIXED && strcmp(own->name, "scan 1") == 0 &&
            own->overwrite == 1);
    testOk1(!own->windows && strcmp(own->write, "/data/a=b") == 0 && !own->read && !*own->child);
    set = (const struct oph__stageword *const *)det->stage.at;
    testOk1(set[0]->value.kind == OPH__LIT_FLOAT && set[0]->value.f == 1000);
    testOk1(set[1]->value.kind == OPH__LIT_TEXT && strcmp(set[1]->child, "cam") == 0);
    free(report);
    oph__classes_free(reg);
}

static void cycle_is(const struct oph__class *cls, const char *wanted)
{
    struct oph__buf found = {0};
    for (size_t i = 0; i < cls->cycle.count; i++) {
        const struct oph__stageword *word = cls->cycle.at[i];
        oph__buf_addf(&found, "%s%s %s%s=%s", i ? ", " : "", word->step, word->child, word->key,
                      word->value.text);
    }
    testOk(found.text && strcmp(found.text, wanted) == 0, "%s: %s", cls->name, found.text);
    oph__buf_free(&found);
}

/* A known key of a step keeps its place and takes the new value, as in a list of settings. */
static void test_cycle(void)
{
    static const char text[] = "class A\n" ROW "row y Y rw int normal\n"
                               "cycle dark x=1 y=2\n"
                               "cycle light x=3\n"
                               "cycle dark x=4\n"
                               "stage . x=9\n"
                               "class B : A\n"
                               "cycle last y=5\n"
                               "cycle light x=6 y=7\n";
    struct oph__classes *reg = new_classes();
    const struct oph__class *cls = NULL;
    oph_error err;
    int rc;
    char *report = parse(reg, text, NULL, &rc, &err);
    testOk(rc == 0, "classes with cycles");
    if (!oph__classes_get(reg, "A", 0, &cls, &err)) cycle_is(cls, "dark x=4, dark y=2, light x=3");
    if (!oph__classes_get(reg, "B", 0, &cls, &err))
        cycle_is(cls, "dark x=4, dark y=2, light x=6, last y=5, light y=7");
    testOk(cls && cls->stage.count == 1, "what is staged is another list");
    free(report);
    oph__classes_free(reg);
}

static void test_words(void)
{
    testOk1(oph__version_parse("3.14") == 3014 && oph__version_parse("3.14.0") == 3014);
    testOk1(oph__version_parse("R3-4") == 3004 && oph__version_parse("2-6-1") == 2006);
    testOk1(oph__version_parse("") == -1 && oph__version_parse(NULL) == -1);
    testOk1(oph__version_parse("3") == -1 && oph__version_parse("3.") == -1);
    testOk1(oph__version_parse("3.4x") == -1 && oph__version_parse("3.1000") == -1);
    testOk1(oph__version_parse("3.4.5.6") == -1 && oph__version_parse("-3.4") == -1);
    testOk1(oph__literal_of("1", true).kind == OPH__LIT_TEXT);
    testOk1(oph__literal_of("99999999999999999999", false).kind == OPH__LIT_FLOAT);
    testOk1(oph__literal_of("nan", false).kind == OPH__LIT_TEXT);
    testOk1(oph__literal_of("e", false).kind == OPH__LIT_TEXT);
    testOk1(oph__literal_of("", false).kind == OPH__LIT_TEXT);
    testOk1(oph__literal_of("+7", false).i == 7 && oph__literal_of("7", false).f == 7);
}

int main(void)
{
    testPlan(0);
    test_mistakes();
    test_many();
    test_extremes();
    test_content();
    test_cycle();
    test_words();
    return testDone();
}
