/* core/stage: originals that were read while another client put its settings back. */
#include "base/str.h"
#include "core/journal.h"
#include "lib/fake_link.h"
#include "lib/state.h"

#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <unistd.h>

static const char classes[] = "class Part\n"
                              "hook test\n"
                              "row number Number          rbv int config\n"
                              "row levels CreateDirectory rw  int config\n"
                              "row name   Name            rw  text config\n"
                              "stage . number=5 name=ours\n";

static void *hook_create(oph_device *dev, oph_error *err)
{
    (void)err;
    return dev;
}

static void hook_destroy(void *data)
{
    (void)data;
}

static int hook_needs(oph_device *dev, void *data, struct oph__needs *needs, oph_error *err)
{
    (void)dev, (void)data, (void)needs, (void)err;
    return 0;
}

static int hook_plan(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err)
{
    (void)data;
    const struct oph__literal levels = {.kind = OPH__LIT_INT, .i = -5, .text = "-5"};
    return oph__plan_add_where_zero(plan, dev, "levels", &levels, err);
}

static const struct oph__hook_ops test_hook = {.name = "test",
                                               .create = hook_create,
                                               .destroy = hook_destroy,
                                               .needs = hook_needs,
                                               .plan = hook_plan};
static const struct oph__hook_ops *const hooks[] = {&test_hook, NULL};
static const struct oph__behaviours behaviours = {.hooks = hooks};

/* What the other client had staged, until it has been read once. */
static void set_pvs(void)
{
    static const struct {
        const char *name, *theirs, *original;
    } pvs[] = {{"X:Number", "3", "7"},
               {"X:Number_RBV", "3", "7"},
               {"X:CreateDirectory", "-5", "0"},
               {"X:Name", "theirs", "old"}};
    for (size_t i = 0; i < sizeof pvs / sizeof *pvs; i++) {
        fake_set(pvs[i].name, pvs[i].theirs);
        fake_then(pvs[i].name, pvs[i].original);
    }
}

static bool has(const char *number, const char *levels, const char *name)
{
    return fake_is("X:Number", number) && fake_is("X:CreateDirectory", levels) &&
           fake_is("X:Name", name);
}

struct staging {
    oph_device *dev;
    oph_error err;
    int rc;
};

static void *stage(void *arg)
{
    struct staging *s = arg;
    s->rc = oph_stage(s->dev, NULL, &s->err);
    return NULL;
}

/* Begins to stage while another's journal is there, which goes once originals have been read. */
static void stage_while_it_goes(struct staging *s)
{
    struct oph__journal_folder folder;
    struct oph__buf text = {0};
    oph_error err = OPH_ERROR_INIT;
    char name[256];
    pthread_t thread;
    int fd = -1;
    oph__buf_add(&text, "of another client");
    int rc = oph__journal_folder_enter(&folder, true, &err);
    if (!rc) rc = oph__journal_name(&folder, "", "Z:", name, sizeof name, &err);
    if (!rc) rc = oph__journal_publish(&folder, name, &text, false, &fd, &err);
    if (rc) testAbort("%s", err.text);
    int flushes = fake_flushes();
    if (pthread_create(&thread, NULL, stage, s)) testAbort("no thread");
    do
        fake_wait_flushes(++flushes);
    while (!fake_is("X:Number", "7")); /* not read yet */
    if (oph__journal_remove(&folder, name, &err)) testAbort("%s", err.text);
    oph__journal_folder_leave(&folder);
    pthread_join(thread, NULL);
    close(fd);
    oph__buf_free(&text);
}

static void test_overtaken(oph_device *dev)
{
    struct staging s = {.dev = dev, .err = OPH_ERROR_INIT};
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    set_pvs();
    stage_while_it_goes(&s);
    testOk(!s.rc, "staged: %s", s.rc ? s.err.text : "");
    testOk(has("5", "-5", "ours"), "what is staged is there, also what is only where it was 0");
    testOk(!oph_unstage(dev, &report, &err) && !oph_report_count(report), "unstaged");
    testOk(has("7", "0", "old"), "all is as it was before the other client");
    oph_report_free(report);
}

static void test_alone(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    int before = fake_flushes(), rc = oph_stage(dev, NULL, &err);
    int alone = fake_flushes() - before;
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    before = fake_flushes();
    if (!rc) rc = oph_stage(dev, NULL, &err);
    testOk(!rc && fake_flushes() - before == alone, "a journal that went before costs nothing");
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    testOk(!rc && has("7", "0", "old"), "unstaged");
}

int main(void)
{
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    state_begin(NULL, 0);
    fake_begin();
    fake_pv("X:Number", OPH_INT32, 1, "", "7");
    fake_pv("X:Number_RBV", OPH_INT32, 1, "", "7");
    fake_pv("X:CreateDirectory", OPH_INT32, 1, "", "0");
    fake_pv("X:Name", OPH_TEXT, 1, "", "old");
    oph_context *ctx = fake_context(classes, &behaviours);
    int rc = oph_device_new(ctx, "Part", "X:", "det", &dev, &err);
    if (!rc) rc = oph_stage(dev, NULL, &err);
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    if (rc) testAbort("%s", err.text);
    test_overtaken(dev);
    test_alone(dev);
    oph_device_free(dev);
    oph_context_free(ctx);
    testOk(fake_end() == 0, "no channel is left");
    state_end();
    return testDone();
}
