/* core/plan: the order of a stage, with `after` options and start rows at random, is that of
 * taking, again and again, the first setting that need not wait for another. */
#include "core/device.h"
#include "core/plan.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 12, TEXTS = 200 };

struct rows {
    bool starts[ROWS], after[ROWS][ROWS]; /* after[i][j]: i has `after=j` */
    int order[ROWS];                      /* as the settings are listed */
};

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* No cycles: what a row waits for has a larger number. */
static void draw(struct rows *r, unsigned *state)
{
    memset(r, 0, sizeof *r);
    for (int i = 0; i < ROWS; i++) {
        r->starts[i] = next(state) % 4 == 0;
        for (int j = i + 1; j < ROWS; j++)
            r->after[i][j] = next(state) % 6 == 0;
        r->order[i] = i;
    }
    for (int i = ROWS - 1; i > 0; i--) {
        int j = (int)(next(state) % (unsigned)(i + 1)), kept = r->order[i];
        r->order[i] = r->order[j];
        r->order[j] = kept;
    }
}

static void write_text(const struct rows *r, int number, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");
    if (!out) testAbort("no memory");
    fprintf(out, "class T%d\n", number);
    for (int i = 0; i < ROWS; i++) {
        const char *before = " - after=";
        fprintf(out, "row s%d S%d %s int config", i, i, r->starts[i] ? "start" : "rw");
        for (int j = 0; j < ROWS; j++) {
            if (!r->after[i][j]) continue;
            fprintf(out, "%ss%d", before, j);
            before = ",";
        }
        fputs("\n", out);
    }
    fputs("stage .", out);
    for (int i = 0; i < ROWS; i++)
        fprintf(out, " s%d=1", r->order[i]);
    fputs("\n", out);
    fclose(out);
}

static bool must_follow(const struct rows *r, int i, int j)
{
    if (r->starts[i] != r->starts[j]) return r->starts[i];
    return r->after[i][j];
}

static void sorted(const struct rows *r, int *ret)
{
    bool taken[ROWS] = {false};
    for (int n = 0; n < ROWS; n++) {
        for (int k = 0; k < ROWS; k++) {
            int i = r->order[k];
            bool waits = taken[i];
            for (int j = 0; j < ROWS && !waits; j++)
                waits = j != i && !taken[j] && must_follow(r, i, j);
            if (waits) continue;
            taken[ret[n] = i] = true;
            break;
        }
    }
}

static bool is_in_order(oph_context *ctx, const struct rows *r, int number)
{
    static char text[8192];
    char name[32];
    oph_device *dev = NULL;
    struct oph__plan *plan = NULL;
    oph_error err = OPH_ERROR_INIT;
    int wanted[ROWS];

    write_text(r, number, text, sizeof text);
    snprintf(name, sizeof name, "T%d", number);
    if (oph_class_parse(ctx, text, "random", NULL, &err) ||
        oph_device_new(ctx, name, "X:", "dev", &dev, &err) || oph__plan_new(dev, &plan, &err) ||
        oph__plan_fill(plan, &err))
        testAbort("%s\n%s", err.text, text);
    sorted(r, wanted);
    bool same = plan->items.count == ROWS;
    for (int i = 0; same && i < ROWS; i++) {
        const struct oph__item *item = plan->items.at[i];
        snprintf(name, sizeof name, "s%d", wanted[i]);
        same = !strcmp(item->sig->row->attr, name);
    }
    if (!same) testDiag("%s", text);
    oph__plan_free(plan);
    oph_device_free(dev);
    return same;
}

int main(void)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;
    unsigned state = 1;

    testPlan(TEXTS);
    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    for (int i = 0; i < TEXTS; i++) {
        struct rows rows;
        draw(&rows, &state);
        testOk(is_in_order(ctx, &rows, i), "text %d", i);
    }
    oph_context_free(ctx);
    return testDone();
}
