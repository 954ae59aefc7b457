/* Classes written back as text: what is read from it is what was written; and rows that are found
 * by words. */
#include "ad/builtin_classes.h"
#include "base/str.h"
#include "core/context.h"
#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static oph_context *new_context(void)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    return ctx;
}

/* One that knows no class. */
static oph_context *new_empty(void)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__context_make(NULL, oph__ca_ops(), &oph__builtin_behaviours, &ctx, &err))
        testAbort("%s", err.text);
    return ctx;
}

static char *text_of(oph_context *ctx, const char *name, uint32_t flags)
{
    oph_error err = OPH_ERROR_INIT;
    size_t length = 0;

    if (oph_class_text(ctx, name, flags, NULL, 0, &length, &err)) testAbort("%s", err.text);
    char *text = malloc(length + 1);
    if (!text || oph_class_text(ctx, name, flags, text, length + 1, NULL, &err) ||
        strlen(text) != length)
        testAbort("%s: %s", name, err.text);
    return text;
}

/* True, or tells the first mistake. */
static bool parses(oph_context *ctx, const char *text, const char *origin)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_class_parse(ctx, text, origin, NULL, &err);

    if (rc) testDiag("%s", err.text);
    return rc == 0;
}

static void is_text(oph_context *ctx, const char *name, uint32_t flags, const char *wanted)
{
    char *found = text_of(ctx, name, flags);
    testOk(strcmp(found, wanted) == 0, "text of %s%s", name, flags ? ", flat" : "");
    if (strcmp(found, wanted) != 0) testDiag("found:\n%s", found);
    free(found);
}

static const char base[] =
    "class Base\n"
    "doc   \"What has \\\"quotes\\\"\"\n"
    "kind  normal config\n"
    "row  mode    Mode    rbv   enum   config   -    labels=\"Off|Half way\" readback=Off|Lit"
    "  \"a \\\\ b\"\n"
    "row  mode    Mode    rbv   enum   config   3.4  labels=Off|On  \"a \\\\ b\"\n"
    "row  level   Level   rw    float  hinted   -    slow=0.5 after=mode,name counter moves main\n"
    "row  name    Name    path  text   omitted  3.1  length=256\n"
    "row  trace   Trace   ro    array  omitted  -    length=10 of=float\n"
    "row  go      Go      start enum   omitted  -    busy\n"
    "row  trace   Trace   gone  3.6  \"no more\"\n"
    "row  other   -       gone  3.2\n"
    "stage . level=1 mode=\"1\" name=\"\" level=0.50\n";
static const char written[] =
    "class Base\n"
    "doc   \"What has \\\"quotes\\\"\"\n"
    "kind  normal config\n"
    "row  mode   Mode   rbv    enum   config   -    labels=\"Off|Half way\" readback=Off|Lit"
    "  \"a \\\\ b\"\n"
    "row  mode   Mode   rbv    enum   config   3.4  labels=Off|On  \"a \\\\ b\"\n"
    "row  level  Level  rw     float  hinted   -    slow=0.5 after=mode,name counter moves main\n"
    "row  name   Name   path   text   omitted  3.1  length=256\n"
    "row  trace  Trace  ro     array  omitted  -    length=10 of=float\n"
    "row  go     Go     start  enum   omitted  -    busy\n"
    "row  trace  Trace  gone   3.6    \"no more\"\n"
    "row  other  -      gone   3.2\n"
    "stage . level=1 mode=\"1\" name=\"\" level=0.50\n";
static const char det[] =
    "class Det : Base@3.4 SingleTrigger\n"
    "doc   A  detector\n"
    "kind  omitted\n"
    "plugin NDPlug\n"
    "hook  file_store\n"
    "dev   cam \"\" CamBase  \"the camera\"\n"
    "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5\n"
    "files hdf1 write=\"/my data/%Y\" read=/x=y semantics=windows "
    "name=\"scan 1\" overwrite=yes\n"
    "files . write=/a name=counter overwrite=no\n"
    "stage cam num_images=1 acquire_time=0.1 image_mode=Single\n"
    "stage hdf1 lazy_open=1\n"
    "stage cam array_callbacks=1 trigger_mode=\"Ext. Trigger\" gain=1 bin_x=1 "
    "bin_y=2\n"
    "cycle dark mode=0\n"
    "cycle light mode=1 level=2\n";

static void test_exact(void)
{
    oph_context *ctx = new_context();
    oph_error err = OPH_ERROR_INIT;
    char small[20];
    size_t length = 7;

    if (!parses(ctx, base, "base")) testAbort("no base");
    is_text(ctx, "Base", 0, written);
    is_text(ctx, "Base@3.0", OPH_CLASS_FLAT,
            "class Base_V30\n"
            "doc   \"What has \\\"quotes\\\"\"\n"
            "row  mode   Mode   rbv    enum   config   -  labels=\"Off|Half way\" readback=Off|Lit"
            "  \"a \\\\ b\"\n"
            "row  level  Level  rw     float  hinted   -  slow=0.5 after=mode counter moves main\n"
            "row  trace  Trace  ro     array  omitted  -  length=10 of=float\n"
            "row  go     Go     start  enum   omitted  -  busy\n"
            "stage . level=0.50 mode=\"1\"\n");
    testOk1(oph_class_text(ctx, "Base", 0, small, sizeof small, &length, &err) == OPH_ERANGE);
    testOk1(length == 7 && strstr(err.text, "found 19") != NULL);
    testOk1(oph_class_text(ctx, "Base@3.4", 0, NULL, 0, &length, &err) == OPH_EINVAL);
    testOk(strcmp(err.text, "Base@3.4: wanted one class without a release, or OPH_CLASS_FLAT") == 0,
           "%s", err.text);
    testOk1(oph_class_text(ctx, "Base", 4, NULL, 0, &length, &err) == OPH_EINVAL);
    testOk(strcmp(err.text, "Base: wanted flags of enum oph_class_flags, found 0x4") == 0, "%s",
           err.text);
    testOk1(oph_class_text(ctx, "Bse", 0, NULL, 0, &length, &err) == OPH_ENOTFOUND);
    oph_context_free(ctx);
}

static bool same_row(const struct oph__row *a, const struct oph__row *b)
{
    bool same = a->how == b->how && a->type == b->type && a->kind == b->kind &&
                a->slow == b->slow && a->busy == b->busy && a->counter == b->counter &&
                a->moves == b->moves && a->main == b->main && a->length == b->length &&
                a->of == b->of && a->labels.count == b->labels.count &&
                a->readback.count == b->readback.count && oph__equal(a->attr, b->attr) &&
                oph__equal(a->suffix, b->suffix) && oph__equal(a->doc, b->doc);

    for (uint32_t i = 0; same && i < a->labels.count; i++)
        same = oph__equal(a->labels.at[i], b->labels.at[i]);
    for (uint32_t i = 0; same && i < a->readback.count; i++)
        same = oph__equal(a->readback.at[i], b->readback.at[i]);
    return same;
}

static bool same_words(const struct oph__vec *a, const struct oph__vec *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++) {
        const struct oph__stageword *x = a->at[i], *y = b->at[i];
        same = oph__equal(x->child, y->child) && oph__equal(x->step, y->step) &&
               oph__equal(x->key, y->key) && x->value.kind == y->value.kind &&
               oph__equal(x->value.text, y->value.text);
    }
    return same;
}

static bool same_class(const struct oph__class *a, const struct oph__class *b)
{
    bool same = a->rows.count == b->rows.count && a->devs.count == b->devs.count &&
                a->files.count == b->files.count && a->hooks.count == b->hooks.count;

    for (size_t i = 0; same && i < a->rows.count; i++)
        same = same_row(a->rows.at[i], b->rows.at[i]);
    for (size_t i = 0; same && i < a->devs.count; i++) {
        const struct oph__devrow *x = a->devs.at[i], *y = b->devs.at[i];
        same = oph__equal(x->attr, y->attr) && oph__equal(x->suffix, y->suffix) &&
               oph__equal(x->classes, y->classes) && oph__equal(x->doc, y->doc);
    }
    for (size_t i = 0; same && i < a->files.count; i++) {
        const struct oph__filesrow *x = a->files.at[i], *y = b->files.at[i];
        same = oph__equal(x->child, y->child) && oph__equal(x->write, y->write) &&
               oph__equal(x->read, y->read) && x->windows == y->windows && x->naming == y->naming &&
               oph__equal(x->name, y->name) && x->overwrite == y->overwrite;
    }
    return same && same_words(&a->stage, &b->stage) && same_words(&a->cycle, &b->cycle) &&
           oph__equal(a->trigger, b->trigger) && oph__equal(a->plugin_type, b->plugin_type) &&
           oph__equal(a->doc, b->doc) && a->kind == b->kind;
}

static const struct oph__class *get(oph_context *ctx, const char *name)
{
    const struct oph__class *cls = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_get(ctx->classes, name, 0, &cls, &err)) testAbort("%s", err.text);
    return cls;
}

/* All classes, ours and one of a user's with everything in it, written and read by a context that
 * had none. */
static void test_all(void)
{
    oph_context *ctx = new_context(), *other = new_empty();
    struct oph__buf all = {0};
    size_t wrong = 0;

    if (!parses(ctx, base, "base") || !parses(ctx, det, "det")) testAbort("no det");
    for (size_t i = 0; i < oph_class_count(ctx); i++) {
        char *text = text_of(ctx, oph_class_name_at(ctx, i), 0);
        oph__buf_add(&all, text);
        free(text);
    }
    testOk(all.text && parses(other, all.text, "all"), "%zu characters are read back", all.len);
    testOk1(oph_class_count(other) == oph_class_count(ctx));
    for (size_t i = 0; i < oph_class_count(ctx); i++) {
        const char *name = oph_class_name_at(ctx, i);
        char *text = text_of(ctx, name, 0), *again = text_of(other, name, 0);
        if (strcmp(text, again) != 0 || !same_class(get(ctx, name), get(other, name))) {
            testDiag("%s is another:\n%s\n%s", name, text, again);
            wrong++;
        }
        free(text);
        free(again);
    }
    testOk(wrong == 0, "and are the same");
    oph__buf_free(&all);
    oph_context_free(other);
    oph_context_free(ctx);
}

/* Each class at a release, flat, is that class at that release. What it stages of rows that the
 * release lacks is all that may be left out. */
static void test_flat(const char *release)
{
    oph_context *ctx = new_context();
    size_t wrong = 0, count = oph_class_count(ctx);

    for (size_t i = 0; i < count; i++) {
        char name[128];
        oph_class_info info = {.size = sizeof info};
        oph__format(name, sizeof name, "%s@%s", oph_class_name_at(ctx, i), release);
        char *text = text_of(ctx, name, OPH_CLASS_FLAT), *line = strchr(text, '\n');
        if (!line || !parses(ctx, text, "flat")) {
            testDiag("%s", text);
            wrong++;
        } else {
            *line = '\0';
            const struct oph__class *was = get(ctx, name);
            const struct oph__class *now = get(ctx, text + strlen("class "));
            if (oph_class_describe(ctx, now->name, &info, NULL) || *info.bases) wrong++;
            if (!same_class(was, now)) {
                testDiag("%s is another than %s", now->name, was->name);
                wrong++;
            }
        }
        free(text);
    }
    testOk(wrong == 0, "%zu classes at %s, flat", count, release);
    oph_context_free(ctx);
}

static void finds(oph_context *ctx, const char *text, const char *wanted)
{
    oph_rows *rows = NULL;
    oph_error err = OPH_ERROR_INIT;
    struct oph__buf found = {0};

    if (oph_class_find(ctx, text, &rows, &err)) testAbort("%s", err.text);
    oph__buf_add(&found, "");
    for (size_t i = 0; i < oph_rows_count(rows); i++) {
        const oph_row *row = oph_rows_at(rows, i);
        oph__buf_addf(&found, "%s%s.%s", i ? " " : "", row->class_name, row->attr);
    }
    testOk(found.text && strcmp(found.text, wanted) == 0, "'%s' finds %s", text, wanted);
    if (found.text && strcmp(found.text, wanted) != 0) testDiag("found %s", found.text);
    oph__buf_free(&found);
    oph_rows_free(rows);
}

static void test_find(void)
{
    oph_context *ctx = new_context();
    oph_rows *rows = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (!parses(ctx, base, "base")) testAbort("no base");
    finds(ctx, "SETTHRESHOLD", "");
    finds(ctx, "threshold_auto", "PilatusDetectorCam.threshold_auto_apply");
    finds(ctx, "hdf5plugin szip", "HDF5Plugin.compression HDF5Plugin.szip_num_pixels");
    finds(ctx, "  LazyOpen first", "FileBase.lazy_open");
    finds(ctx, "half WAY", "");
    finds(ctx, "base mode lit", "");
    finds(ctx, "\\", "Base.mode");
    finds(ctx, "Base off", "Base.mode");
    testOk1(oph_class_find(ctx, "", &rows, &err) == 0 && oph_rows_count(rows) > 1000);
    oph_rows_free(rows);
    rows = NULL;
    testOk1(oph_class_find(ctx, NULL, &rows, &err) == OPH_EINVAL && !rows);
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    test_exact();
    test_all();
    test_flat("3.14");
    test_flat("2.1");
    test_find();
    return testDone();
}
