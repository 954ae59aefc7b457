/* What classes and their rows are, asked without an IOC. */
#include "base/str.h"
#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char classes[] =
    "class Base\n"
    "doc   What all have\n"
    "kind  config\n"
    "row   mode   Mode    rbv   enum  config   -    labels=Off|On readback=Off|Lit \"the mode\"\n"
    "row   mode   Mode    rbv   enum  config   3.4  labels=\"Off|On|Half way\"\n"
    "row   mode   Mode2   rw    enum  normal   3.6  labels=|\n"
    "row   level  Level   rw    int   hinted   3.5  slow=5 after=mode,name counter moves main\n"
    "row   name   Name    path  text  omitted  -    length=256 \"a name\"\n"
    "row   unit   Unit    ro    text  omitted\n"
    "row   old    Old     rw    int   omitted\n"
    "row   old    -       gone 3.2\n"
    "class Plug : Base\n"
    "plugin NDPlug\n"
    "row   data   Data    ro    array omitted  -    length=10 of=float\n"
    "row   go     Go      start enum  omitted  -    busy\n"
    "row   level  -       gone 3.7\n"
    "class Det\n"
    "trigger single\n"
    "dev   cam cam1: Plug\n"
    "dev   plug P: Plug\n"
    "stage . cam.mode=1\n";

static oph_context *new_context(void)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_context_new(NULL, &ctx, &err) || oph_class_parse(ctx, classes, "mine", NULL, &err))
        testAbort("%s", err.text);
    return ctx;
}

static oph_rows *rows_of(oph_context *ctx, const char *name, uint32_t flags)
{
    oph_rows *rows = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_class_rows(ctx, name, flags, &rows, &err)) testAbort("%s", err.text);
    return rows;
}

static void add_labels(struct oph__buf *buf, const char *what, uint32_t count,
                       const char *const *labels)
{
    for (uint32_t i = 0; i < count; i++)
        oph__buf_addf(buf, "%s%s", i ? "|" : what, labels[i]);
}

/* "mode Mode rbv enum 0-3.4 Off|On reads Off|Lit". */
static void row_is(const oph_row *row, const char *wanted)
{
    struct oph__buf found = {0};

    if (row) {
        oph__buf_addf(&found, "%s %s %s %s %d-%d", row->attr, row->suffix, oph_how_name(row->how),
                      oph_row_type_name(row->type), row->since, row->until);
        add_labels(&found, " ", row->label_count, row->labels);
        add_labels(&found, " reads ", row->readback_label_count, row->readback_labels);
    }
    testOk(found.text && strcmp(found.text, wanted) == 0, "%s", wanted);
    if (found.text && strcmp(found.text, wanted) != 0) testDiag("found %s", found.text);
    oph__buf_free(&found);
}

static void mode_at(oph_context *ctx, const char *name, const char *wanted)
{
    oph_rows *rows = rows_of(ctx, name, 0);
    row_is(oph_rows_find(rows, "mode"), wanted);
    oph_rows_free(rows);
}

static void test_releases(oph_context *ctx)
{
    static const char *const forms[] = {
        "mode Mode rbv enum 0-3004 Off|On reads Off|Lit",
        "mode Mode rbv enum 3004-3006 Off|On|Half way reads Off|On|Half way",
        "mode Mode2 rw enum 3006-0 | reads |",
        "level Level rw int 3005-3007",
        "name Name path text 0-0",
        "unit Unit ro text 0-0",
        "old Old rw int 0-3002",
        "data Data ro array 0-0",
        "go Go start enum 0-0",
    };
    mode_at(ctx, "Plug@2.0", forms[0]);
    mode_at(ctx, "Plug@3.4", forms[1]);
    mode_at(ctx, "Plug_V35", forms[1]);
    mode_at(ctx, "Base@3.6", forms[2]);
    mode_at(ctx, "Plug", forms[2]);

    oph_rows *rows = rows_of(ctx, "Plug", OPH_ROWS_HISTORY);
    testOk(oph_rows_count(rows) == sizeof forms / sizeof *forms, "all forms of all rows");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        row_is(oph_rows_at(rows, i), forms[i]);
    testOk1(!oph_rows_at(rows, sizeof forms / sizeof *forms));
    oph_rows_free(rows);

    rows = rows_of(ctx, "Plug", 0);
    testOk1(oph_rows_count(rows) == 5 && !oph_rows_find(rows, "old"));
    testOk1(!oph_rows_find(rows, "level"));
    oph_rows_free(rows);
    rows = rows_of(ctx, "Base", 0);
    row_is(oph_rows_find(rows, "level"), "level Level rw int 3005-0");
    oph_rows_free(rows);
}

static void test_fields(oph_context *ctx)
{
    oph_rows *rows = rows_of(ctx, "Plug@3.5", 0);
    const oph_row *level = oph_rows_find(rows, "level"), *name = oph_rows_find(rows, "name");
    const oph_row *data = oph_rows_find(rows, "data"), *go = oph_rows_find(rows, "go");
    const oph_row *mode = oph_rows_find(rows, "mode");

    testOk1(level->slow == 5 && strcmp(level->after, "mode,name") == 0);
    testOk1(level->flags == (OPH_ROW_COUNTER | OPH_ROW_MOVES | OPH_ROW_MAIN) &&
            level->kind == OPH_KIND_HINTED);
    testOk1(level->label_count == 0 && !level->labels && level->capacity == 0);
    testOk1(strcmp(name->class_name, "Base") == 0 && strcmp(name->doc, "a name") == 0);
    testOk1(name->capacity == 256 && oph_rows_find(rows, "unit")->capacity == 40);
    testOk1(data->capacity == 10 && data->elements == OPH_ROW_FLOAT);
    testOk1(strcmp(data->class_name, "Plug") == 0 && !*data->after && !*data->doc);
    testOk1(strcmp(data->origin, "mine") == 0 && data->line == 14);
    testOk1(go->flags == OPH_ROW_BUSY && go->kind == OPH_KIND_OMITTED);
    testOk(strcmp(mode->doc, "the mode") == 0, "a later form has the doc of the one before it");
    oph_rows_free(rows);
    testOk1(oph_rows_count(NULL) == 0 && !oph_rows_at(NULL, 0) && !oph_rows_find(NULL, "x"));
    testOk1(strcmp(oph_how_name(5), "?") == 0 && strcmp(oph_row_type_name(-1), "?") == 0);
}

static void test_info(oph_context *ctx)
{
    oph_class_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;

    testOk1(oph_class_describe(ctx, "Plug_V34", &info, &err) == 0);
    testOk1(strcmp(info.name, "Plug@3.4") == 0 && info.version == 3004);
    testOk1(strcmp(info.bases, "Base") == 0 && strcmp(info.doc, "What all have") == 0);
    testOk1(strcmp(info.plugin_type, "NDPlug") == 0 && !*info.trigger);
    testOk1(strcmp(info.origin, "mine") == 0 && info.line == 12);
    testOk1(info.kind == OPH_KIND_CONFIG);
    testOk1(oph_class_describe(ctx, "Det", &info, &err) == 0 && info.version == 0);
    testOk1(strcmp(info.trigger, "single") == 0 && !*info.bases && !*info.doc);
    testOk1(oph_class_describe(ctx, "Plug Base", &info, &err) == 0);
    testOk1(strcmp(info.bases, "Plug Base") == 0 && !*info.origin && info.line == 0);

    info = (oph_class_info){.size = 8};
    testOk(oph_class_describe(ctx, "Plug@3.4", &info, &err) == 0 && info.version == 3004 &&
               info.name == NULL,
           "no more is written than there is room for");
    info = (oph_class_info){.size = 0};
    testOk(oph_class_describe(ctx, "Plug@3.4", &info, &err) == OPH_EINVAL &&
               strstr(err.text, "wanted the info's size, found 0"),
           "a struct that does not say its size is refused");
}

static void test_names(oph_context *ctx)
{
    size_t count = oph_class_count(ctx);
    const char *last = oph_class_name_at(ctx, count - 1);

    testOk(count > 100 && strcmp(oph_class_name_at(ctx, 0), "ADBase") == 0, "the built-in first");
    testOk(strcmp(last, "Det") == 0, "then those of the text, in its order");
    testOk1(strcmp(oph_class_name_at(ctx, count - 3), "Base") == 0);
    testOk1(oph_class_name_at(ctx, count) == NULL);
}

static void test_errors(oph_context *ctx)
{
    oph_rows *rows = NULL;
    oph_class_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;

    testOk1(oph_class_rows(ctx, "Plgu", 0, &rows, &err) == OPH_ENOTFOUND);
    testOk(strcmp(err.text, "there is no class Plgu; the nearest is Plug") == 0, "%s", err.text);
    testOk1(oph_class_rows(ctx, "Plug@3.4", OPH_ROWS_HISTORY, &rows, &err) == OPH_EINVAL);
    testOk1(strstr(err.text, "Plug@3.4: wanted a class without a release") != NULL && !rows);
    testOk1(oph_class_rows(ctx, "Plug", 2, &rows, &err) == OPH_EINVAL);
    testOk(strcmp(err.text, "Plug: wanted flags of enum oph_rows_flags, found 0x2") == 0, "%s",
           err.text);
    testOk1(oph_class_rows(ctx, NULL, 0, &rows, &err) == OPH_EINVAL);
    testOk1(oph_class_describe(ctx, "Plug@x", &info, &err) == OPH_EPARSE && !info.name);
}

/* In a child of the context's process no lock of it is taken. */
static void test_child(oph_context *ctx)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        oph_rows *rows = NULL;
        _exit(oph_class_count(ctx) == 0 && oph_class_name_at(ctx, 0) == NULL &&
                      oph_class_rows(ctx, "Plug", 0, &rows, NULL) == OPH_EFORK
                  ? 7
                  : 1);
    }
    testOk1(child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
}

int main(void)
{
    oph_context *ctx = new_context();

    testPlan(0);
    test_releases(ctx);
    test_fields(ctx);
    test_info(ctx);
    test_names(ctx);
    test_errors(ctx);
    test_child(ctx);
    oph_context_free(ctx);
    return testDone();
}
