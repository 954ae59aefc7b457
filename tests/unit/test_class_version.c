/* A class made whole: which row wins, what bases may and may not do, and what a name stands for. */
#include "base/str.h"
#include "core/classtext.h"
#include <epicsUnitTest.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct oph__classes *parse(const char *text)
{
    struct oph__classes *reg = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_new(NULL, NULL, &reg, &err)) testAbort("%s", err.text);
    if (oph__classes_parse(reg, text, "t", &report, &err)) testAbort("%s", err.text);
    oph_report_free(report);
    return reg;
}

static const struct oph__class *get(struct oph__classes *reg, const char *name, int version)
{
    const struct oph__class *cls = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_get(reg, name, version, &cls, &err)) testAbort("%s", err.text);
    return cls;
}

/* The suffixes that the attribute x has by version, as "2000:A 3004:B". */
static void is_suffix(struct oph__classes *reg, const char *name, const char *attr,
                      const char *wanted)
{
    static const int versions[] = {1009, 2000, 2001, 3004, 3005, 3014, 0};
    struct oph__buf found = {0};

    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        const struct oph__row *row = oph__class_row(get(reg, name, versions[i]), attr);
        oph__buf_addf(&found, "%s%s", i ? " " : "", row ? row->suffix : "-");
    }
    testOk(found.text && strcmp(found.text, wanted) == 0, "%s.%s: %s", name, attr, wanted);
    if (found.text && strcmp(found.text, wanted) != 0) testDiag("found %s", found.text);
    oph__buf_free(&found);
}

static void test_since(void)
{
    struct oph__classes *reg = parse("class A\n"
                                     "row old  Old    rw int normal\n"
                                     "row old  -      gone 2.1\n"
                                     "row new  New    rw int normal 3.5\n"
                                     "row x    X2     rw int normal 2.1\n"
                                     "row x    X1     rw int normal\n"
                                     "row x    X3     rw int normal 3.14\n"
                                     "row back Back   rw int normal\n"
                                     "row back -      gone 2.1\n"
                                     "row back Back2  rw int normal 3.5\n"
                                     "class B : A\n"
                                     "row y    Y      rw int normal 3.4\n");
    const char *names[] = {"A", "B"};

    for (int i = 0; i < 2; i++) {
        is_suffix(reg, names[i], "old", "Old Old - - - - -");
        is_suffix(reg, names[i], "new", "- - - - New New New");
        is_suffix(reg, names[i], "x", "X1 X1 X2 X2 X2 X3 X3");
        is_suffix(reg, names[i], "back", "Back Back - - Back2 Back2 Back2");
    }
    is_suffix(reg, "B", "y", "- - - Y Y Y Y");

    const struct oph__class *a = get(reg, "A", 2001);
    testOk1(a->version == 2001 && a->rows.count == 1 && a->others.count == 3);
    const struct oph__row *gone = a->others.at[0], *newer = a->others.at[1];
    testOk1(gone->how == OPH__GONE && gone->since == 2001 && strcmp(gone->attr, "old") == 0);
    testOk1(newer->how == OPH__RW && newer->since == 3005 && strcmp(newer->attr, "new") == 0);
    oph__classes_free(reg);
}

/* Who wins between a class and its base: the newer row; on a tie the class; and a row without
 * `since`, which is for every version. */
static void test_derived(void)
{
    struct oph__classes *reg = parse("class A\n"
                                     "row p A0  rw int normal\n"
                                     "row p A21 rw int normal 2.1\n"
                                     "row q A0  rw int normal\n"
                                     "row q A21 rw int normal 2.1\n"
                                     "row q A35 rw int normal 3.5\n"
                                     "row r A0  rw int normal\n"
                                     "row r A35 rw int normal 3.5\n"
                                     "row s A0  rw int normal\n"
                                     "row s -   gone 3.5\n"
                                     "class B : A\n"
                                     "row p B21 rw int normal 2.1\n"
                                     "row q B34 rw int normal 3.4\n"
                                     "row r B0  rw int normal\n"
                                     "row r B34 rw int normal 3.4\n"
                                     "row s B0  rw int normal\n"
                                     "class C : B\n");

    is_suffix(reg, "C", "p", "A0 A0 B21 B21 B21 B21 B21");
    is_suffix(reg, "C", "q", "A0 A0 A21 B34 A35 A35 A35");
    is_suffix(reg, "C", "r", "B0 B0 B0 B34 B34 B34 B34");
    is_suffix(reg, "C", "s", "B0 B0 B0 B0 B0 B0 B0");
    const struct oph__class *c = get(reg, "C", 0);
    testOk1(strcmp(((struct oph__row *)c->rows.at[0])->attr, "p") == 0 && c->rows.count == 4);
    testOk1(oph__class_is(c, "A") && oph__class_is(c, "C") && !oph__class_is(c, "D"));
    oph__classes_free(reg);
}

static void test_names(void)
{
    struct oph__classes *reg = parse("class Plug\n"
                                     "row x X0  rw int normal\n"
                                     "row x X34 rw int normal 3.4\n"
                                     "row x X314 rw int normal 3.14\n"
                                     "class Own : Plug_V34\n"
                                     "class Mix\n"
                                     "class Plug_V20 : Plug\n"
                                     "row x Mine rw int normal\n");
    const struct oph__class *cls;
    oph_error err = OPH_ERROR_INIT;

    is_suffix(reg, "Plug_V34", "x", "X34 X34 X34 X34 X34 X34 X34");
    is_suffix(reg, "Plug_V314", "x", "X314 X314 X314 X314 X314 X314 X314");
    is_suffix(reg, "Plug@2.6", "x", "X0 X0 X0 X0 X0 X0 X0");
    is_suffix(reg, "Plug_V20", "x", "Mine Mine Mine Mine Mine Mine Mine");
    is_suffix(reg, "Own", "x", "X34 X34 X34 X34 X34 X34 X34");
    testOk1(get(reg, "Plug_V34", 0) == get(reg, " Plug@3.4 ", 0));
    testOk1(get(reg, "Plug", 0) == get(reg, "Plug", 0) &&
            get(reg, "Plug", 0) != get(reg, "Plug", 2000));
    testOk1(strcmp(get(reg, "Plug_V34 Mix", 0)->name, "Plug@3.4 Mix") == 0);
    testOk1(get(reg, "Plug_V34 Mix", 0)->version == 3004 &&
            get(reg, "Plug", 2000)->version == 2000);
    testOk1(get(reg, "Plug", 0)->version == 0 && get(reg, "Own", 3014)->version == 3004);

    testOk1(oph__classes_get(reg, "Plgu", 0, &cls, &err) == OPH_ENOTFOUND);
    testOk(strcmp(err.text, "there is no class Plgu; the nearest is Plug") == 0, "%s", err.text);
    testOk1(oph__classes_get(reg, "Plug_V3", 0, &cls, &err) == OPH_ENOTFOUND);
    testOk1(oph__classes_get(reg, "None_V34", 0, &cls, &err) == OPH_ENOTFOUND);
    testOk1(oph__classes_get(reg, "", 0, &cls, &err) == OPH_EPARSE);
    testOk1(oph__classes_get(reg, NULL, 0, &cls, &err) == OPH_EINVAL);
    testOk1(oph__classes_get(reg, "Plug@x", 0, &cls, &err) == OPH_EPARSE);
    testOk1(oph__classes_get(reg, "Plug@3.4 Plug", 0, &cls, &err) == OPH_EPARSE);
    testOk(strcmp(err.text, "class Plug is joined at 3.4 and at no version: choose one") == 0, "%s",
           err.text);

    /* A later class that has an alias's name changes nothing that was there before. */
    if (oph__classes_parse(reg, "class Plug_V34\nrow x Late rw int normal\n", "u", NULL, &err))
        testAbort("%s", err.text);
    is_suffix(reg, "Own", "x", "X34 X34 X34 X34 X34 X34 X34");
    is_suffix(reg, "Plug_V34", "x", "Late Late Late Late Late Late Late");
    oph__classes_free(reg);
}

/* A text in which D joins two classes B and C, both of A; `extra` goes into D. */
static void is_conflict(const char *b, const char *c, const char *extra, const char *wanted)
{
    struct oph__classes *reg = NULL;
    struct oph__buf text = {0};
    oph_error err[2] = {OPH_ERROR_INIT, OPH_ERROR_INIT};

    if (oph__classes_new(NULL, NULL, &reg, NULL)) testAbort("no classes");
    oph__buf_addf(&text,
                  "class K\nrow k K rw int normal\nclass A\nrow a A rw int normal\n"
                  "class B : A\n%sclass C : A\n%s",
                  b, c);
    for (int swap = 0; swap < 2; swap++) {
        char last[400];
        oph__format(last, sizeof last, "%sclass D : %s\n%s", text.text, swap ? "C B" : "B C",
                    extra);
        int rc = oph__classes_parse(reg, last, "t", NULL, &err[swap]);
        bool ok = rc == (*wanted ? OPH_EPARSE : 0) && strstr(err[swap].text, wanted);
        testOk(ok, "%s%s", *wanted ? wanted : "no conflict", swap ? ", swapped" : "");
        if (!ok) testDiag("of: %s\nfound %d: %s", last, rc, err[swap].text);
        oph__classes_free(reg);
        reg = NULL;
        if (oph__classes_new(NULL, NULL, &reg, NULL)) testAbort("no classes");
    }
    oph__classes_free(reg);
    oph__buf_free(&text);
}

static void test_conflicts(void)
{
    /* A diamond is none, and agreeing is none. */
    is_conflict("", "", "", "");
    is_conflict("row x X rw int normal \"one\"\n", "row x X rw int normal \"other\"\n", "", "");
    is_conflict("row x X rw int normal 2.1\n", "row x Y rw int normal 3.4\n", "", "");
    is_conflict("row a B rw int normal\n", "", "", "");

    is_conflict("row x X rw int normal\n", "row x Y rw int normal\n", "",
                "define attribute x differently");
    is_conflict("row x X rw int normal\n", "row x Y rw int normal\n", "row x Z rw int normal\n",
                "");
    /* Found also where a newer version hides it. */
    is_conflict("row x X rw int normal\nrow x Z rw int normal 3.4\n",
                "row x Y rw int normal\nrow x Z rw int normal 3.4\n", "",
                "define attribute x differently");
    is_conflict("row x X rw int normal 3.4\n", "row x X ro int normal 3.4\n",
                "row x X rw int normal 2.0\n", "define attribute x differently");
    is_conflict("row x X rw enum normal - labels=A|B\n", "row x X rw enum normal - labels=A|C\n",
                "", "define attribute x differently");
    is_conflict("row x X rw enum normal - labels=A|B\n", "row x X rw enum normal - labels=A\n", "",
                "define attribute x differently");
    is_conflict("row x X rw enum normal - labels=A|B\n", "row x X rw enum normal\n", "", "");
    is_conflict("row x X rw text normal - length=2\n", "row x X rw text normal - length=3\n", "",
                "define attribute x differently");
    is_conflict("row x X rw array normal - of=int\n", "row x X rw array normal - of=float\n", "",
                "define attribute x differently");
    is_conflict("dev d d: K\n", "dev d e: K\n", "", "define device d differently");
    is_conflict("dev d d: K\n", "dev d e: K\n", "dev d f: K\n", "");
    is_conflict("stage . a=1\n", "stage . a=2\n", "", "define setting a differently");
    is_conflict("stage . a=1\n", "stage . a=2\n", "stage . a=3\n", "");
    is_conflict("stage . a=1\n", "stage . a=1\n", "", "");
    is_conflict("trigger one\n", "trigger two\n", "", "define trigger differently");
    is_conflict("trigger one\n", "trigger two\n", "trigger three\n", "");
    is_conflict("plugin One\n", "plugin Two\n", "", "define plugin differently");
    is_conflict("files . write=/a\n", "files . write=/b\n", "", "define files differently");
    is_conflict("files . write=/a\n", "files . write=/b\n", "files . write=/c\n", "");
    is_conflict("files . write=/a name=counter\n", "files . write=/a\n", "",
                "define files differently");
    is_conflict("files . write=/a overwrite=yes\n", "files . write=/a\n", "",
                "define files differently");
    is_conflict("files . write=/a read=/r\n", "files . write=/b\n", "files . write=/c read=/d\n",
                "");
}

static void is_stage(struct oph__classes *reg, const char *expression, const char *wanted)
{
    const struct oph__class *cls = get(reg, expression, 0);
    struct oph__buf found = {0};

    for (size_t i = 0; i < cls->stage.count; i++) {
        const struct oph__stageword *word = cls->stage.at[i];
        oph__buf_addf(&found, "%s%s%s%s=%s", i ? " " : "", word->child, *word->child ? "." : "",
                      word->key, word->value.text);
    }
    testOk(found.text && strcmp(found.text, wanted) == 0, "%s: %s", expression, wanted);
    testDiag("%s", found.text);
    oph__buf_free(&found);
}

static void test_stage(void)
{
    struct oph__classes *reg = parse("class Base\n"
                                     "row a A rw int normal\n"
                                     "row b B rw int normal\n"
                                     "row c C rw int normal\n"
                                     "stage . a=1 b=1\n"
                                     "hook h1\n"
                                     "class Mix\n"
                                     "stage . c=2\n"
                                     "hook h2\n"
                                     "class First : Base Mix\n"
                                     "stage . b=3\n"
                                     "stage . a=4 a=5\n"
                                     "class Last : Mix Base\n"
                                     "stage . b=3 a=5\n"
                                     "hook h3\n"
                                     "class Again : Last First\n"
                                     "class Det\n"
                                     "dev d d: Base Mix\n"
                                     "stage d c=9\n"
                                     "stage . d.c=8\n"
                                     "doc A detector\n");

    is_stage(reg, "Base Mix", "a=1 b=1 c=2");
    is_stage(reg, "Mix Base", "a=1 b=1 c=2");
    is_stage(reg, "First", "a=5 b=3 c=2");
    is_stage(reg, "Last", "a=5 b=3 c=2");
    is_stage(reg, "Again", "a=5 b=3 c=2");
    is_stage(reg, "Det", "d.c=9 d.c=8");
    const struct oph__class *again = get(reg, "Again", 0);
    testOk1(again->hooks.count == 3 && strcmp(again->hooks.at[0], "h1") == 0 &&
            strcmp(again->hooks.at[1], "h2") == 0 && strcmp(again->hooks.at[2], "h3") == 0);
    testOk1(strcmp(get(reg, "Det", 0)->doc, "A detector") == 0);
    oph__classes_free(reg);
}

/* Names joined in an expression are checked like a class; but not against a version asked for,
 * since then it is the IOC that lacks the row. */
static void test_joined(void)
{
    struct oph__classes *reg = parse("class A\n"
                                     "row a A rw int normal 3.4\n"
                                     "class Good\n"
                                     "stage . a=1\n"
                                     "class Bad\n"
                                     "stage . b=1\n");
    const struct oph__class *cls = NULL;
    oph_error err = OPH_ERROR_INIT;

    testOk1(oph__classes_get(reg, "A Good", 0, &cls, &err) == 0);
    testOk1(oph__classes_get(reg, "A Good", 2001, &cls, &err) == 0 && cls->rows.count == 0);
    for (int i = 0; i < 2; i++) {
        testOk1(oph__classes_get(reg, "A Bad", 0, &cls, &err) == OPH_EPARSE);
        testOk(strcmp(err.text, "A Bad: setting b (of t:6): A Bad has no attribute b") == 0, "%s",
               err.text);
    }
    testOk1(oph__classes_get(reg, "A@2.1 Good", 0, &cls, &err) == OPH_EPARSE);
    testOk(strstr(err.text, "has a only since 3.4") != NULL, "%s", err.text);
    testOk1(oph__classes_get(reg, "Bad", 0, &cls, &err) == 0);
    oph__classes_free(reg);
}

static void *work(void *arg)
{
    struct oph__classes *reg = arg;
    char text[80], name[20];
    size_t good = 0;

    for (int i = 0; i < 200; i++) {
        const struct oph__class *cls;
        oph__format(name, sizeof name, "T%d", i);
        oph__format(text, sizeof text, "class %s : A\nrow y Y rw int normal\n", name);
        oph__classes_parse(reg, text, "thread", NULL, NULL); /* one thread wins */
        good += oph__classes_get(reg, name, i, &cls, NULL) == 0 && oph__class_row(cls, "x") != NULL;
    }
    return (void *)good;
}

static void test_threads(void)
{
    struct oph__classes *reg = parse("class A\nrow x X rw int normal\n");
    pthread_t thread[4];
    size_t good = 0;

    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread[i], NULL, work, reg)) testAbort("no thread");
    for (int i = 0; i < 4; i++) {
        void *ret;
        pthread_join(thread[i], &ret);
        good += (size_t)ret;
    }
    testOk(good == 800, "four threads at once: %zu of 800", good);
    oph__classes_free(reg);
}

/* A mixin's kind is the device's, wherever it stands; of other bases it is the last one's; and the
 * class's own counts more. */
static void test_kinds(void)
{
    static const char text[] = "class A\nrow a A rw int normal\nkind omitted\n"
                               "class M\nkind normal\n"
                               "class B : M A\nclass C : A M\n"
                               "class D : C\nkind config\n"
                               "class E\nrow e E rw int normal\nkind config\n";
    static const struct {
        const char *classes;
        int32_t kind;
    } wanted[] = {
        {"A", OPH_KIND_OMITTED},  {"B", OPH_KIND_NORMAL},       {"C", OPH_KIND_NORMAL},
        {"D", OPH_KIND_CONFIG},   {"A@3.4 M", OPH_KIND_NORMAL}, {"M A", OPH_KIND_NORMAL},
        {"A E", OPH_KIND_CONFIG}, {"E A", OPH_KIND_OMITTED},    {"E M A", OPH_KIND_NORMAL}};
    struct oph__classes *reg = NULL;
    const struct oph__class *cls = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_new(NULL, NULL, &reg, NULL)) testAbort("no classes");
    testOk(oph__classes_parse(reg, text, "t", NULL, &err) == 0, "kinds %s", err.text);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        testOk(oph__classes_get(reg, wanted[i].classes, 0, &cls, &err) == 0 &&
                   cls->kind == wanted[i].kind,
               "kind of %s %s", wanted[i].classes, err.text);
    oph__classes_free(reg);
}

int main(void)
{
    testPlan(0);
    test_since();
    test_derived();
    test_names();
    test_conflicts();
    test_stage();
    test_joined();
    test_kinds();
    test_threads();
    oph__classes_free(NULL);
    return testDone();
}
