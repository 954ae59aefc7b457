/* ad/motor: how a move ends, for each thing that a record can say after it; in orders of events
 * that an IOC can bring about, and the simulator does not. */
#include "ad/builtin_classes.h"
#include "lib/fake_link.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <string.h>

static const struct {
    const char *name;
    int32_t dtype;
    const char *labels, *value;
} pvs[] = {
    {"X.VAL", OPH_FLOAT64, "", "0"},
    {"X.RBV", OPH_FLOAT64, "", "0"},
    {"X.DMOV", OPH_INT16, "", "1"},
    {"X.STOP", OPH_INT16, "", "0"},
    {"X.SPMG", OPH_ENUM, "Stop,Pause,Move,Go", "3"},
    {"X.SET", OPH_ENUM, "Use,Set", "0"},
    {"X.HLM", OPH_FLOAT64, "", "10"},
    {"X.LLM", OPH_FLOAT64, "", "-10"},
    {"X.VELO", OPH_FLOAT64, "", "1"},
    {"X.ACCL", OPH_FLOAT64, "", "0.2"},
    {"X.BDST", OPH_FLOAT64, "", "0"},
    {"X.BVEL", OPH_FLOAT64, "", "0"},
    {"X.DLY", OPH_FLOAT64, "", "0"},
    {"X.MRES", OPH_FLOAT64, "", "0.001"},
    {"X.RDBD", OPH_FLOAT64, "", "0.01"},
    {"X.HLS", OPH_INT16, "", "0"},
    {"X.LLS", OPH_INT16, "", "0"},
    {"X.LVIO", OPH_INT16, "", "0"},
    {"X.MISS", OPH_INT16, "", "0"},
    {"X.TDIR", OPH_INT16, "", "1"},
    {"X.EGU", OPH_TEXT, "", "mm"},
};
enum { PVS_HERE = sizeof pvs / sizeof *pvs };

static oph_device *motor;

static void set_back(void)
{
    for (int i = 0; i < PVS_HERE; i++)
        fake_set(pvs[i].name, pvs[i].value);
    fake_rule("X.VAL", FAKE_WITHHOLD);
    fake_forget_puts();
}

static oph_device *new_motor(void)
{
    const oph_context_options options = {
        .size = sizeof options, .get_timeout = 2, .stop_timeout = 0.2};
    oph_context *ctx = fake_context_with(&options, NULL, &oph__builtin_behaviours);
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL;
    int rc = 0;
    for (const struct oph__class_text *b = oph__builtin_classes; !rc && b->name; b++)
        rc = oph_class_parse(ctx, b->text, b->name, NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "EpicsMotor", "X", "x", &dev, &err);
    if (rc) testAbort("%s", err.text);
    oph_context_free(ctx);
    return dev;
}

/* The components of ophyd 1.11.2's EpicsMotor. */
static void has_ophyds_names(void)
{
    enum { HINTED = OPH_KIND_HINTED, NORMAL = OPH_KIND_NORMAL, CONFIG = OPH_KIND_CONFIG };
    static const struct {
        const char *attr, *pv;
        int32_t kind;
    } components[] = {
        {"user_readback", "X.RBV", HINTED},    {"user_setpoint", "X.VAL", NORMAL},
        {"user_offset", "X.OFF", CONFIG},      {"user_offset_dir", "X.DIR", CONFIG},
        {"offset_freeze_switch", "X.FOFF", 0}, {"set_use_switch", "X.SET", 0},
        {"velocity", "X.VELO", CONFIG},        {"acceleration", "X.ACCL", CONFIG},
        {"motor_egu", "X.EGU", CONFIG},        {"motor_is_moving", "X.MOVN", 0},
        {"motor_done_move", "X.DMOV", 0},      {"high_limit_switch", "X.HLS", 0},
        {"low_limit_switch", "X.LLS", 0},      {"high_limit_travel", "X.HLM", 0},
        {"low_limit_travel", "X.LLM", 0},      {"direction_of_travel", "X.TDIR", 0},
        {"motor_stop", "X.STOP", 0},           {"home_forward", "X.HOMF", 0},
        {"home_reverse", "X.HOMR", 0},
    };
    for (size_t i = 0; i < sizeof components / sizeof *components; i++) {
        oph_error err = OPH_ERROR_INIT;
        oph_signal *sig = NULL;
        const char *attr = components[i].attr;
        int rc = oph_signal_find(motor, attr, &sig, &err);
        testOk(!rc && !strcmp(oph_signal_pv(sig), components[i].pv) &&
                   oph_signal_kind(sig) == components[i].kind,
               "%s is %s", attr, components[i].pv);
    }
}

static oph_status *start(double position, double timeout, double tolerance)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL;
    const oph_move_options opt = {.size = sizeof opt, .timeout = timeout, .tolerance = tolerance};
    if (oph_move_start(motor, position, &opt, &status, &err)) testAbort("%s", err.text);
    fake_wait_put("X.VAL");
    return status;
}

static void ends(oph_status *status, int code, const char *with, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_status_wait(status, 20, &err), code, &err, what);
    if (*with) testOk(strstr(err.text, with) != NULL, "%s", err.text);
    oph_status_unref(status);
}

/* The put of 5 completes, and then a field has this value. */
static void completes(const char *name, const char *value, int code, const char *with)
{
    set_back();
    oph_status *status = start(5, 0, 0);
    fake_set("X.RBV", "5");
    if (name) fake_set(name, value);
    fake_release("X.VAL");
    ends(status, code, with, name ? name : "there");
    testOk(!strcmp(fake_puts(), "X.VAL=5"), "nothing else was put: %s", fake_puts());
}

static void judges(void)
{
    completes(NULL, NULL, 0, "");
    completes("X.RBV", "5.009", 0, "");
    completes("X.RBV", "5.011", OPH_EMISMATCH,
              "x.user_readback (X.RBV): wanted 5 within 0.01 mm, found that it stands elsewhere, "
              "at 5.011");
    completes("X.VAL", "5.5", OPH_EMISMATCH, "x.user_setpoint (X.VAL): wanted 5 within");
    completes("X.LVIO", "1", OPH_EMISMATCH, "x.limit_violation (X.LVIO)");
    completes("X.DMOV", "0", OPH_EMISMATCH, "x.motor_done_move (X.DMOV)");
    completes("X.HLS", "1", OPH_EMISMATCH, "x.high_limit_switch (X.HLS)");
    completes("X.LLS", "1", 0, ""); /* it moves away from there */
    completes("X.MISS", "1", OPH_EMISMATCH, "x.missed (X.MISS)");
    set_back();
    fake_set("X.TDIR", "0");
    oph_status *status = start(-5, 0, 0);
    fake_set("X.RBV", "-5");
    fake_set("X.LLS", "1");
    fake_release("X.VAL");
    ends(status, OPH_EMISMATCH, "x.low_limit_switch (X.LLS)", "the low switch, downwards");
}

static void takes_a_tolerance(void)
{
    set_back();
    oph_status *status = start(5, 0, 0.5);
    fake_set("X.RBV", "5.4");
    fake_release("X.VAL");
    ends(status, 0, "", "within a tolerance of one's own");
    set_back();
    status = start(5, 0, 1e-6);
    fake_set("X.RBV", "5.001");
    fake_release("X.VAL");
    ends(status, OPH_EMISMATCH, "within 1e-06 mm", "a small one");
}

/* The IOC's word comes late, not at all, or is a refusal. */
static void is_late(void)
{
    set_back();
    oph_status *status = start(5, 0.1, 0);
    fake_set("X.DMOV", "0");
    fake_set("X.RBV", "1.5");
    ends(status, OPH_ETIMEOUT, "that it still moves: it was told to stop, at 1.5",
         "a time that ends");
    testOk(strstr(fake_puts(), "STOP~1") != NULL, "it was told by a plain put: %s", fake_puts());
    fake_release("X.VAL");

    set_back();
    fake_rule("X.VAL", FAKE_REFUSE);
    status = start(5, 0, 0);
    ends(status, OPH_EPUT, "x.user_setpoint (X.VAL)", "a put that is refused");

    set_back();
    status = start(5, 0, 0);
    fake_down("X.VAL");
    ends(status, OPH_EDISCONN, "x.user_setpoint (X.VAL)", "a setpoint that is lost");
    fake_up("X.VAL");

    set_back();
    status = start(5, 0, 0);
    fake_down("X.MISS");
    fake_release("X.VAL");
    ends(status, OPH_EDISCONN, "x.missed (X.MISS)", "a field that is lost");
    fake_up("X.MISS");
}

/* A second move while the first is under way is refused, and stops nothing. */
static void is_refused_while_it_moves(void)
{
    oph_error err = OPH_ERROR_INIT;
    set_back();
    oph_status *first = start(5, 0, 0), *second = NULL;
    int rc = oph_move_start(motor, -5, NULL, &second, &err);
    if (!rc) rc = oph_status_wait(second, 20, &err);
    fake_code(rc, OPH_EBUSY, &err, "a second move");
    testOk(strstr(err.text, "X.VAL") && !oph_status_done(first), "%s", err.text);
    oph_status_unref(second);
    fake_set("X.RBV", "5");
    fake_release("X.VAL");
    ends(first, 0, "", "the first one goes on");
    testOk(!strcmp(fake_puts(), "X.VAL=5"), "nothing else was put: %s", fake_puts());
}

static void is_cancelled(void)
{
    oph_error err = OPH_ERROR_INIT;
    set_back();
    oph_status *status = start(5, 0, 0);
    testOk1(oph_status_cancel(status, &err) == 0 && !oph_status_done(status));
    testOk(strstr(fake_puts(), "STOP~1") != NULL, "a cancel stops: %s", fake_puts());
    fake_set("X.RBV", "2");
    fake_release("X.VAL");
    ends(status, OPH_ECANCEL, "found stopped, at 2", "and is done once it stands");

    set_back();
    status = start(5, 0, 0);
    fake_set("X.DMOV", "0");
    testOk1(oph_status_cancel(status, &err) == 0);
    ends(status, OPH_ECANCEL, "told to stop, but it has not come to a halt",
         "one that does not halt is left after the stop_timeout");
    fake_release("X.VAL");
}

int main(void)
{
    testPlan(0);
    fake_begin();
    for (int i = 0; i < PVS_HERE; i++)
        fake_pv(pvs[i].name, pvs[i].dtype, 1, pvs[i].labels, pvs[i].value);
    motor = new_motor();
    has_ophyds_names();
    judges();
    takes_a_tolerance();
    is_late();
    is_refused_while_it_moves();
    is_cancelled();
    oph_device_free(motor);
    testOk(fake_end() == 0, "no channel is left");
    return testDone();
}
