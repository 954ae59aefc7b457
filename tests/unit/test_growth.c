/* What a class text, a list of settings, a plan and descriptions cost grows with what is in them,
 * and not faster: counted in comparisons of strings. */
#include "base/err.h"
#include "core/device.h"
#include "core/plan.h"
#include "core/reading.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 500, TIMES = 8, AFTER = 4 };

static atomic_long compared;

/* They hide libc's. */
int strcmp(const char *a, const char *b)
{
    atomic_fetch_add_explicit(&compared, 1, memory_order_relaxed);
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

size_t strcspn(const char *text, const char *of)
{
    const char *end = text;
    atomic_fetch_add_explicit(&compared, 1, memory_order_relaxed);
    while (*end && !strchr(of, *end))
        end++;
    return (size_t)(end - text);
}

/* How many there were at each step. */
struct costs {
    long parsing, making, finding, setting, planning, describing;
};

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s", err->text);
}

static long lap(void)
{
    return atomic_exchange(&compared, 0);
}

/* Each row has a form of an older release, with the doc; the last few stand behind others. */
static char *class_text(int rows)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) testAbort("no memory");
    fputs("class Many\n", out);
    for (int i = 0; i < rows; i++)
        fprintf(out, "row s%d old%d rw float config \"the signal %d\"\n", i, i, i);
    for (int i = 0; i < rows; i++)
        fprintf(out, "row s%d new%d rw float config 3.4%s%d\n", i, i,
                i < AFTER ? " after=s" : " slow=", i < AFTER ? rows - 1 - i : 1);
    for (int i = 0; i < rows; i++)
        fprintf(out, "%s s%d=1", i % 20 ? "" : "\nstage .", i);
    fputs("\n", out);
    if (fclose(out)) testAbort("no memory");
    return text;
}

static void describe(int rows)
{
    oph_descriptions *list = oph__descriptions_new();
    struct oph__describing to = {.list = list, .object_name = "many"};
    oph_error err = OPH_ERROR_INIT;
    char key[32];
    for (int i = 0; i < rows; i++) {
        snprintf(key, sizeof key, "many_s%d", i);
        const oph_description told = {.key = key, .source = "PV:x", .dtype = "number"};
        need(oph__describe_add(&to, &told, &err), &err);
    }
    testOk1(oph_descriptions_count(list) == (size_t)rows);
    testOk1(oph__describe_add(&to, &(oph_description){.key = "many_s7"}, &err) == OPH_EINVAL);
    oph_descriptions_free(list);
}

static struct costs costs_of(int rows)
{
    struct costs costs;
    oph_context *ctx = NULL;
    oph_device *dev = NULL;
    oph_signal *sig = NULL;
    struct oph__plan *plan = NULL;
    oph_error err = OPH_ERROR_INIT;
    char *text = class_text(rows), name[32];

    need(oph_context_new(NULL, &ctx, &err), &err);
    lap();
    need(oph_class_parse(ctx, text, "many", NULL, &err), &err);
    costs.parsing = lap();
    need(oph_device_new(ctx, "Many", "X:", "many", &dev, &err), &err);
    costs.making = lap();
    for (int i = 0; i < rows; i++) {
        snprintf(name, sizeof name, "s%d", i);
        need(oph_signal_find(dev, name, &sig, &err), &err);
    }
    costs.finding = lap();
    snprintf(name, sizeof name, "the signal %d", rows - 1);
    testOk(!strcmp(oph_signal_doc(sig), name), "its doc is the older row's: %s", name);
    for (int i = 0; i < rows; i++) {
        snprintf(name, sizeof name, "s%d", i);
        need(oph_settings_set(dev, name, 2, &err), &err);
    }
    costs.setting = lap();
    testOk1(oph_settings_count(dev) == (size_t)rows);
    need(oph__plan_new(dev, &plan, &err), &err);
    need(oph__plan_fill(plan, &err), &err);
    costs.planning = lap();
    testOk1(plan->items.count == (size_t)rows);
    oph__plan_free(plan);
    describe(rows);
    costs.describing = lap();
    oph_device_free(dev);
    oph_context_free(ctx);
    free(text);
    return costs;
}

static void grows_with_it(long few, long many, const char *what)
{
    testOk(few > 0 && many <= few * TIMES * 5 / 4,
           "%s: %ld comparisons for %d, %ld for %d times as many", what, few, FEW, many, TIMES);
}

int main(void)
{
    testPlan(0);
    struct costs few = costs_of(FEW), many = costs_of(FEW * TIMES);
    grows_with_it(few.parsing, many.parsing, "parsing");
    grows_with_it(few.making, many.making, "making a device");
    grows_with_it(few.finding, many.finding, "finding its signals");
    grows_with_it(few.setting, many.setting, "setting them");
    grows_with_it(few.planning, many.planning, "planning a stage");
    grows_with_it(few.describing, many.describing, "describing");
    return testDone();
}
