#include "lib/failing_device.h"

#include "base/err.h"
#include "core/plan.h"
#include "core/stage.h"
#include "core/status.h"
#include "lib/failing.h"
#include "lib/failing_link.h"
#include "lib/state.h"

#include <epicsUnitTest.h>

const char failing_classes[] = "class Part\n"
                               "doc  \"A part\"\n"
                               "row number Number rbv int  config - after=name \"how many\"\n"
                               "row name   Name   rw  text config\n"
                               "row choice Choice rbv enum normal 3.4 labels=Zero|One\n"
                               "class More : Part\n"
                               "row real   Real   rbv float hinted\n"
                               "row profile Profile ro array normal\n"
                               "class Whole\n"
                               "trigger test\n"
                               "hook test\n"
                               "dev part H: More@3.4\n"
                               "dev other G: Part\n"
                               "stage part number=5 name=ours real=0.5 choice=One\n"
                               "stage . part.number=6\n";
/* Each PV, and its value before all. */
static const struct {
    const char *name;
    int32_t dtype;
    const char *labels, *value;
} pvs[] = {
    {"X:H:Number", OPH_INT32, "", "7"},        {"X:H:Number_RBV", OPH_INT32, "", "7"},
    {"X:H:Choice", OPH_ENUM, "Zero,One", "0"}, {"X:H:Choice_RBV", OPH_ENUM, "Zero,One", "0"},
    {"X:H:Real", OPH_FLOAT64, "", "1.5"},      {"X:H:Real_RBV", OPH_FLOAT64, "", "1.5"},
    {"X:H:Name", OPH_TEXT, "", "old"},         {"X:H:Profile", OPH_FLOAT64, "", "2"},
    {"X:G:Number", OPH_INT32, "", "7"},        {"X:G:Number_RBV", OPH_INT32, "", "7"},
    {"X:G:Choice", OPH_ENUM, "Zero,One", "0"}, {"X:G:Choice_RBV", OPH_ENUM, "Zero,One", "0"},
    {"X:G:Name", OPH_TEXT, "", "old"},
};
enum { PV_COUNT = sizeof pvs / sizeof pvs[0] };

enum { PATIENCE = 5 };

/* The fake link, but that a subscription can fail. */
static struct oph__link_ops link_ops;
static const struct oph__link_ops *fake_ops;
static int until_refused; /* subscriptions */
static double patience = PATIENCE;

static int subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                     oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err)
{
    if (until_refused > 0 && --until_refused == 0)
        return oph__fail_text(err, OPH_EDISCONN, "a subscription: refused");
    return fake_ops->subscribe(chan, dtype, count, mask, fn, user, ret, err);
}

void failing_subscription(int nth)
{
    until_refused = nth;
}

int failing_subscriptions_left(void)
{
    return until_refused;
}

void failing_patience(double seconds)
{
    patience = seconds;
}

void failing_device_set_back(void)
{
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_set(pvs[i].name, pvs[i].value);
}

static void add_pvs(void)
{
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_pv(pvs[i].name, pvs[i].dtype, 1, pvs[i].labels, pvs[i].value);
}

bool failing_device_is_as_before(void)
{
    bool same = true;
    for (size_t i = 0; i < PV_COUNT; i++)
        same = same && fake_is(pvs[i].name, pvs[i].value);
    return same;
}

/* A trigger that is done at once and claims a value, and a hook that adds a setting. */

static int trigger_needs(oph_device *dev, struct oph__needs *needs, oph_error *err)
{
    return oph__need(needs, dev, "other.number", true, err);
}

static int claim(oph_device *dev, struct oph__plan *plan, oph_error *err)
{
    static const struct oph__literal one = {.kind = OPH__LIT_INT, .i = 1, .text = "1"};
    oph_signal *sig;
    int rc = oph_signal_find(dev, "other.choice", &sig, err); /* that nothing stages */
    if (!rc) rc = oph__plan_claim(plan, sig, &one, err);
    if (!rc) rc = oph_signal_find(dev, "other.number", &sig, err);
    return rc ? rc : oph__plan_claim(plan, sig, &one, err);
}

static int start(oph_device *dev, oph_status *status, oph_error *err)
{
    static const oph_error none = OPH_ERROR_INIT;
    (void)err;
    oph__trigger_finish(dev, status, &none);
    return 0;
}

static int stop(oph_device *dev, oph_error *err)
{
    (void)dev, (void)err;
    return 0;
}

static char created;

static void *create(oph_device *dev, oph_error *err)
{
    (void)dev, (void)err;
    return &created;
}

static void destroy(void *data)
{
    (void)data;
}

static int needs(oph_device *dev, void *data, struct oph__needs *needs, oph_error *err)
{
    (void)data;
    return oph__need(needs, dev, "other.choice", false, err);
}

static int plan(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err)
{
    static const struct oph__literal nine = {.kind = OPH__LIT_INT, .i = 9, .text = "9"};
    (void)data;
    return oph__plan_add(plan, dev, "other.number", &nine, err);
}

static const struct oph__trigger_ops test_trigger = {
    .name = "test", .needs = trigger_needs, .check = claim, .start = start, .stop = stop};
static const struct oph__hook_ops test_hook = {
    .name = "test", .create = create, .destroy = destroy, .needs = needs, .plan = plan};
static const struct oph__trigger_ops *const triggers[] = {&test_trigger, NULL};
static const struct oph__hook_ops *const hooks[] = {&test_hook, NULL};
static const struct oph__behaviours behaviours = {.triggers = triggers, .hooks = hooks};

void failing_device_begin(void)
{
    state_begin(NULL, 0);
    fake_begin();
    add_pvs();
    oph_context *ctx = fake_context(NULL, NULL);
    fake_ops = ctx->ops;
    link_ops = *fake_ops;
    link_ops.subscribe = subscribe;
    failing_link_wrap(&link_ops);
    oph_context_free(ctx);
}

void failing_device_end(void)
{
    testOk1(fake_end() == 0);
    state_end();
}

int failing_context(oph_context **ret, oph_error *err)
{
    const oph_context_options options = {.size = sizeof options,
                                         .connect_timeout = patience,
                                         .get_timeout = patience,
                                         .put_timeout = patience,
                                         .grace = patience,
                                         .stop_timeout = patience};
    return oph__context_make(&options, &link_ops, &behaviours, ret, err);
}

int failing_with_device(failing_device_fn *fn, oph_error *err)
{
    oph_context *ctx = NULL;
    oph_device *dev = NULL;
    int rc = failing_context(&ctx, err);
    if (!rc) rc = oph_class_parse(ctx, failing_classes, "test", NULL, err);
    if (!rc) rc = oph_device_new(ctx, "Whole", "X:", "det", &dev, err);
    if (!rc) rc = fn(dev, err);
    oph_device_free(dev);
    oph_context_free(ctx);
    return rc;
}

static int acquire(oph_device *dev, oph_error *err)
{
    oph_status *status = NULL;
    oph_report *report = NULL;
    int rc = oph_trigger(dev, &status, err);
    if (!rc) rc = oph_status_wait(status, OPH_DEFAULT, err);
    oph_status_unref(status);
    oph_error late = OPH_ERROR_INIT;
    int back = oph_unstage(dev, &report, &late);
    oph_report_free(report);
    if (!rc && back) *err = late;
    return rc ? rc : back;
}

/* By the next stage of the same context, and by oph_recover, in turn. */
static int recover(oph_device *dev, oph_error *err)
{
    static int turn;
    if (!state_journals()) return 0;
    int rc =
        turn++ % 2 ? oph_recover(dev->ctx, NULL, NULL, NULL, NULL, err) : oph_stage(dev, NULL, err);
    return rc ? rc : oph_unstage(dev, NULL, err);
}

int failing_look(oph_device *dev, int rc, oph_error *err)
{
    oph_error late = OPH_ERROR_INIT;
    oph_context_options *options = &dev->ctx->options;
    options->connect_timeout = options->get_timeout = options->put_timeout = PATIENCE;
    options->grace = options->stop_timeout = PATIENCE;
    failing_link_end();
    if (rc) recover(dev, &late);
    bool idle = oph_device_state(dev) == OPH_STATE_IDLE;
    if (idle && !late.code && failing_device_is_as_before() && !state_journals()) return rc;
    testDiag("%s, %d journals, %s; %s", oph_state_name(oph_device_state(dev)), state_journals(),
             err->text, late.text);
    oph_recover(dev->ctx, NULL, NULL, NULL, NULL, NULL);
    failing_device_set_back();
    return OPH_ESTATE;
}

int failing_acquisition(oph_device *dev, const oph_stage_options *opt, oph_error *err)
{
    oph_report *report = NULL;
    int rc = oph_stage_with(dev, opt, &report, err);
    oph_report_free(report);
    if (!rc) rc = acquire(dev, err);
    failing_end();
    return failing_look(dev, rc, err);
}
