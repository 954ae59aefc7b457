/* The library's own class texts: known by name at once, read when they are needed and no sooner,
 * and then what they are when all of them are parsed. */
#include "ad/builtin_classes.h"
#include "base/str.h"
#include "core/class_parts.h"
#include "core/context.h"
#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <string.h>

static oph_context *new_context(void)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    return ctx;
}

static struct oph__classes *parse_all(void)
{
    struct oph__classes *reg = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_new(NULL, NULL, &reg, &err)) testAbort("%s", err.text);
    for (const struct oph__class_text *t = oph__builtin_classes; t->text; t++)
        if (oph__classes_parse(reg, t->text, t->name, NULL, &err)) testAbort("%s", err.text);
    return reg;
}

static size_t text_count(void)
{
    size_t count = 0;

    while (oph__builtin_classes[count].text)
        count++;
    return count;
}

static void read_so_far(oph_context *ctx, size_t wanted, const char *what)
{
    size_t found = oph__classes_texts_read(ctx->classes);
    testOk(found == wanted, "%s: %zu texts read, wanted %zu", what, found, wanted);
}

/* Each detector needs the texts of what it derives from and of its devices, once. */
static void test_need(void)
{
    oph_context *ctx = new_context();
    oph_device *dev = NULL, *other = NULL;
    oph_error err = OPH_ERROR_INIT;

    read_so_far(ctx, 0, "a new context");
    testOk1(oph_class_count(ctx) > 100 && oph_class_name_at(ctx, 100) != NULL);
    testOk1(oph_device_new(ctx, "PilatusDetectr", "P:", "p", &dev, &err) == OPH_ENOTFOUND);
    testOk(strstr(err.text, "the nearest is PilatusDetector") != NULL, "%s", err.text);
    read_so_far(ctx, 0, "names alone");
    testOk1(oph_device_new(ctx, "SimDetector", "S:", "s", &dev, &err) == 0);
    read_so_far(ctx, 4, "ndarray, camera, simdetector, detector");
    testOk1(oph_device_new(ctx, "SimDetector", "S:", "t", &other, &err) == 0);
    read_so_far(ctx, 4, "the same again");
    oph_device_free(other);
    oph_device_free(dev);
    testOk1(oph_class_parse(ctx, "class Mine : PilatusDetectorCam\n", "mine", NULL, &err) == 0);
    read_so_far(ctx, 6, "file and pilatus too");
    testOk1(oph_class_parse(ctx, "class Mine : Nothing\n", "mine", NULL, &err) == OPH_EPARSE);
    read_so_far(ctx, 6, "a mistake needs none");
    oph_context_free(ctx);
}

/* The name of the next class of a text. */
static const char *next_class(const char **at, char *dst, size_t size)
{
    const char *line = *at;

    while (*line && !oph__starts(line, "class "))
        line = strchr(line, '\n') ? strchr(line, '\n') + 1 : line + strlen(line);
    if (!*line) return NULL;
    line += strlen("class ");
    oph__format(dst, size, "%.*s", (int)strcspn(line, " \n"), line);
    *at = line;
    return dst;
}

/* Three classes cost their texts and those of their bases, and in these stands one class more. */
static void test_three(void)
{
    static const char *const names[] = {"PilatusDetectorCam", "ImagePlugin", "HDF5Plugin"};
    const struct oph__class *three[3] = {NULL};
    oph_context *ctx = new_context();
    size_t texts = 0, more = 0;

    for (int i = 0; i < 3; i++)
        if (oph__classes_get(ctx->classes, names[i], 0, &three[i], NULL))
            testAbort("no %s", names[i]);
    for (const struct oph__class_text *t = oph__builtin_classes; t->text; t++) {
        char name[80];
        size_t others = 0;
        const char *at = t->text;
        bool needed = false;
        while (next_class(&at, name, sizeof name)) {
            bool kin = false;
            for (int i = 0; i < 3; i++)
                kin |= oph__class_is(three[i], name);
            needed |= kin;
            others += !kin && strcmp(name, "AreaDetectorCam") != 0;
        }
        texts += needed;
        if (needed) more += others;
    }
    testOk(texts < text_count() / 2 && more == 0, "three classes and their bases are in %zu texts",
           texts);
    read_so_far(ctx, texts, "three classes");
    oph_context_free(ctx);
}

static bool same_rows(const struct oph__class *a, const struct oph__class *b)
{
    bool same = a->rows.count == b->rows.count && a->others.count == b->others.count;

    for (size_t i = 0; same && i < a->rows.count; i++) {
        const struct oph__row *x = a->rows.at[i], *y = b->rows.at[i];
        same = strcmp(x->attr, y->attr) == 0 && strcmp(x->suffix, y->suffix) == 0 &&
               strcmp(x->origin, y->origin) == 0 && x->line == y->line;
    }
    return same;
}

/* In the order of the texts, and each as when its text was parsed before any was asked for. The
 * newest first: a class that derives from others is asked for before they are. */
static void test_same(void)
{
    struct oph__classes *reg = parse_all();
    oph_context *ctx = new_context();
    static const int versions[] = {0, 2000, 3004, 3014};
    size_t count = oph_class_count(ctx), wrong = 0;

    testOk(count == reg->scope.defs.count, "%zu classes", count);
    for (size_t i = count; i-- > 0;) {
        const struct oph__classdef *def = reg->scope.defs.at[i];
        wrong += strcmp(oph_class_name_at(ctx, i), def->name) != 0;
        for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
            const struct oph__class *a = NULL, *b = NULL;
            if (oph__classes_get(ctx->classes, def->name, versions[v], &a, NULL) ||
                oph__classes_get(reg, def->name, versions[v], &b, NULL))
                testAbort("no %s", def->name);
            if (same_rows(a, b) && a->stage.count == b->stage.count &&
                a->devs.count == b->devs.count && oph__equal(a->doc, b->doc) &&
                oph__equal(a->trigger, b->trigger) && a->names.count == b->names.count)
                continue;
            testDiag("%s at %d is another", def->name, versions[v]);
            wrong++;
        }
    }
    testOk(wrong == 0, "all as when they are parsed");
    read_so_far(ctx, text_count(), "all");
    oph_context_free(ctx);
    oph__classes_free(reg);
}

/* The first to ask for a name is told where it stands, whoever has read it. */
static void test_taken(void)
{
    oph_context *ctx = new_context();
    oph_error err = OPH_ERROR_INIT;

    testOk1(oph_class_parse(ctx, "class A\nclass HDF5Plugin\n", "u", NULL, &err) == OPH_EPARSE);
    testOk(strcmp(err.text, "u:2: class HDF5Plugin is defined twice, first in hdf5.class:3") == 0,
           "%s", err.text);
    testOk1(oph_class_parse(ctx, "class A\nclass HDF5Plugin_V34 : HDF5Plugin\n", "u", NULL, &err) ==
            0);
    oph_context_free(ctx);
}

static bool known(void *user, const char *kind, const char *name)
{
    (void)user;
    return strcmp(kind, "trigger") == 0 && strcmp(name, "single") == 0;
}

/* A text that is wrong says so when it is asked for; the others are there. */
static void test_wrong(void)
{
    static const struct oph__class_text texts[] = {
        {"good.class", "class Good\nrow x X rw int normal\ntrigger single\nclass Lead : Bad\n"},
        {"bad.class", "# no class yet\n\nclass Bad\ntrigger double\n"},
        {NULL, NULL}};
    struct oph__classes *reg = NULL;
    const struct oph__class *cls = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_new(known, NULL, &reg, &err) || oph__classes_shelve(reg, texts, &err))
        testAbort("%s", err.text);
    for (int i = 0; i < 2; i++) {
        testOk1(oph__classes_get(reg, i ? "Lead" : "Bad", 0, &cls, &err) == OPH_EPARSE);
        testOk(strcmp(err.text, "bad.class:4: unknown trigger 'double'") == 0, "%s", err.text);
    }
    testOk1(oph__classes_get(reg, "Bed", 0, &cls, &err) == OPH_ENOTFOUND);
    testOk1(oph__classes_get(reg, "Good", 0, &cls, &err) == 0 && cls->rows.count == 1);
    oph__classes_free(reg);
}

static void *work(void *arg)
{
    oph_context *ctx = arg;
    size_t good = 0;

    for (size_t i = 0, n = oph_class_count(ctx); i < n; i++) {
        oph_rows *rows = NULL;
        good += oph_class_rows(ctx, oph_class_name_at(ctx, i), 0, &rows, NULL) == 0;
        oph_rows_free(rows);
    }
    return (void *)good;
}

static void test_threads(void)
{
    oph_context *ctx = new_context();
    pthread_t thread[4];
    size_t good = 0;

    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread[i], NULL, work, ctx)) testAbort("no thread");
    for (int i = 0; i < 4; i++) {
        void *ret;
        pthread_join(thread[i], &ret);
        good += (size_t)ret;
    }
    testOk(good == 4 * oph_class_count(ctx), "four threads at once: %zu classes", good);
    read_so_far(ctx, text_count(), "each text once");
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    test_need();
    test_three();
    test_same();
    test_taken();
    test_wrong();
    test_threads();
    return testDone();
}
