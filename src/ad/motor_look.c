/* What a motor record says before a move, and after it. */
#include "ad/motor.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include <string.h>

enum { RUN_MOVE = 2, MAJOR = 2 }; /* of SPMG: Stop and Pause are below */

static const char *const attrs[OPH__M_ROWS] = {
    [OPH__M_SETPOINT] = "user_setpoint",
    [OPH__M_READBACK] = "user_readback",
    [OPH__M_DONE] = "motor_done_move",
    [OPH__M_STOP] = "motor_stop",
    [OPH__M_RUN] = "run_switch",
    [OPH__M_SET] = "set_use_switch",
    [OPH__M_HIGH] = "high_limit_travel",
    [OPH__M_LOW] = "low_limit_travel",
    [OPH__M_VELOCITY] = "velocity",
    [OPH__M_ACCELERATION] = "acceleration",
    [OPH__M_BACKLASH] = "backlash_distance",
    [OPH__M_BACKLASH_VELOCITY] = "backlash_velocity",
    [OPH__M_DELAY] = "settle_delay",
    [OPH__M_STEP] = "resolution",
    [OPH__M_DEADBAND] = "retry_deadband",
    [OPH__M_HIGH_SWITCH] = "high_limit_switch",
    [OPH__M_LOW_SWITCH] = "low_limit_switch",
    [OPH__M_VIOLATION] = "limit_violation",
    [OPH__M_MISSED] = "missed",
    [OPH__M_UPWARDS] = "direction_of_travel",
    [OPH__M_UNITS] = "motor_egu",
};

/* What tells whether a move went well. */
static const enum oph__motor_row after[] = {OPH__M_DONE,      OPH__M_READBACK,    OPH__M_SETPOINT,
                                            OPH__M_VIOLATION, OPH__M_HIGH_SWITCH, OPH__M_LOW_SWITCH,
                                            OPH__M_UPWARDS,   OPH__M_MISSED};
enum { AFTER = sizeof after / sizeof *after };

int oph__motor_needs(oph_device *dev, void *data, struct oph__needs *list, oph_error *err)
{
    (void)data;
    int rc = 0;
    for (int i = 0; !rc && i < OPH__M_ROWS; i++)
        rc = oph__need(list, dev, attrs[i], true, err);
    return rc;
}

static int refuse(const struct oph__motor_aim *aim, enum oph__motor_row row, int code,
                  const char *wanted, const char *found, oph_error *err)
{
    const oph_signal *sig = aim->rows[row];
    const struct oph__at at = oph__pv_at(sig->read);
    return oph__fail(err, code, at, wanted, "%s", found);
}

/* One value of a look; a text is the units. */
static int take(const oph_value *value, enum oph__motor_row row, struct oph__motor_look *look,
                oph_error *err)
{
    if (row == OPH__M_READBACK) look->severity = oph_value_severity(value);
    if (row != OPH__M_UNITS) return oph_value_get_double(value, &look->number[row], err);
    const char *text;
    size_t length;
    oph__value_text(value, &text, &length);
    oph__format(look->units, sizeof look->units, "%.*s", (int)length, text);
    return 0;
}

static void begin_look(struct oph__motor_look *look)
{
    *look = (struct oph__motor_look){0};
    for (int i = 0; i < OPH__M_ROWS; i++)
        look->number[i] = (double)NAN;
}

static int find_rows(oph_device *dev, struct oph__motor_aim *aim, oph_error *err)
{
    int rc = 0;
    if (!oph__hook_data(dev, &oph__motor))
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "a motor (class EpicsMotor)", "class %s", dev->cls->name);
    for (int i = 0; !rc && i < OPH__M_ROWS; i++)
        rc = oph_signal_find(dev, attrs[i], &aim->rows[i], err);
    return rc;
}

static int look_before(struct oph__motor_aim *aim, oph_error *err)
{
    oph_group *group;
    int rc = oph_group_new(aim->dev->ctx, &group, err);
    if (rc) return rc;
    begin_look(&aim->before);
    for (int i = 0; !rc && i < OPH__M_ROWS; i++)
        rc = oph_group_read(group, aim->rows[i], NULL, err);
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, NULL, err);
    for (int i = 0; !rc && i < OPH__M_ROWS; i++)
        rc = take(oph_group_value(group, (size_t)i), (enum oph__motor_row)i, &aim->before, err);
    oph_group_free(group);
    return rc;
}

static int check_limits(const struct oph__motor_aim *aim, oph_error *err)
{
    char wanted[160], found[40], low[40], high[40];
    const double *is = aim->before.number;
    bool limited = is[OPH__M_LOW] != is[OPH__M_HIGH];
    if (isfinite(aim->position) &&
        (!limited || (aim->position >= is[OPH__M_LOW] && aim->position <= is[OPH__M_HIGH])))
        return 0;
    oph__from_double(found, sizeof found, aim->position);
    oph__format(wanted, sizeof wanted, "a position from %s to %s %s",
                oph__from_double(low, sizeof low, limited ? is[OPH__M_LOW] : -(double)INFINITY),
                oph__from_double(high, sizeof high, limited ? is[OPH__M_HIGH] : (double)INFINITY),
                aim->before.units);
    return refuse(aim, OPH__M_SETPOINT, OPH_ERANGE, wanted, found, err);
}

static int check(const struct oph__motor_aim *aim, oph_error *err)
{
    const double *is = aim->before.number;
    int rc = check_limits(aim, err);
    if (rc) return rc;
    if (is[OPH__M_RUN] < RUN_MOVE)
        return refuse(aim, OPH__M_RUN, OPH_ESTATE, "Go", is[OPH__M_RUN] ? "Pause" : "Stop", err);
    if (is[OPH__M_SET] != 0)
        return refuse(aim, OPH__M_SET, OPH_ESTATE, "Use", "Set: a put would calibrate it", err);
    if (is[OPH__M_DONE] != 1)
        return refuse(aim, OPH__M_DONE, OPH_EBUSY, "a motor that stands", "that it moves", err);
    return 0;
}

static double at_speed(double way, double speed)
{
    return speed > 0 ? fabs(way) / speed : 0;
}

/* Twice what the way takes. */
static double time_for(const struct oph__motor_aim *aim)
{
    const double *is = aim->before.number;
    double backlash = is[OPH__M_BACKLASH], slow = is[OPH__M_BACKLASH_VELOCITY];
    double way = fabs(aim->position - is[OPH__M_READBACK]) + fabs(backlash);
    double seconds = at_speed(way, is[OPH__M_VELOCITY]) +
                     at_speed(backlash, slow > 0 ? slow : is[OPH__M_VELOCITY]) +
                     2 * is[OPH__M_ACCELERATION] + is[OPH__M_DELAY];
    return 2 * seconds + aim->dev->ctx->options.put_timeout;
}

int oph__motor_aim(oph_device *dev, double position, struct oph__motor_aim *ret, oph_error *err)
{
    struct oph__chan_info info = {0};
    struct oph__motor_aim aim = {.dev = dev, .position = position};
    int rc = find_rows(dev, &aim, err);
    if (!rc) rc = look_before(&aim, err);
    if (!rc) rc = check(&aim, err);
    if (rc) return rc;
    const double *is = aim.before.number;
    oph__pv_info(aim.rows[OPH__M_READBACK]->read, &info);
    aim.tolerance = fmax(fabs(is[OPH__M_DEADBAND]), fabs(is[OPH__M_STEP]));
    if (!(aim.tolerance > 0)) aim.tolerance = pow(10, -(double)info.precision);
    aim.timeout = time_for(&aim);
    *ret = aim;
    return 0;
}

/* Afterwards */

int oph__motor_ask_after(const struct oph__motor_aim *aim, oph_group *group, oph_error *err)
{
    for (int i = 0; i < AFTER; i++) {
        struct oph__entry *e = oph__group_add_read(group, aim->rows[after[i]], NULL, err);
        if (!e) return OPH_ENOMEM;
        e->in_turn = true;
    }
    return 0;
}

int oph__motor_take_after(const struct oph__motor_aim *aim, oph_group *group, size_t first,
                          struct oph__motor_look *ret, oph_error *err)
{
    int rc = 0;
    begin_look(ret);
    oph__copy(ret->units, sizeof ret->units, aim->before.units);
    for (int i = 0; !rc && i < AFTER; i++) {
        rc = oph_group_result(group, first + (size_t)i, err);
        if (!rc) rc = take(oph_group_value(group, first + (size_t)i), after[i], ret, err);
    }
    return rc;
}

/* Why it is not where it should be, the nearest cause first; NULL: it is there. */
static const char *why_not(const struct oph__motor_aim *aim, const struct oph__motor_look *look,
                           enum oph__motor_row *ret_row)
{
    const double *is = look->number;
    enum oph__motor_row switched = is[OPH__M_UPWARDS] != 0 ? OPH__M_HIGH_SWITCH : OPH__M_LOW_SWITCH;
    *ret_row = OPH__M_READBACK;
    if (is[OPH__M_VIOLATION] != 0) {
        *ret_row = OPH__M_VIOLATION;
        return "limits that forbid it";
    }
    if (is[OPH__M_DONE] != 1) {
        *ret_row = OPH__M_DONE;
        return "that it moves again";
    }
    if (is[switched] != 0) {
        *ret_row = switched;
        return "its limit switch";
    }
    if (fabs(is[OPH__M_SETPOINT] - aim->position) > aim->tolerance) {
        *ret_row = OPH__M_SETPOINT;
        return "that somebody stopped it, or sent it elsewhere";
    }
    if (is[OPH__M_MISSED] != 0) {
        *ret_row = OPH__M_MISSED;
        return "that it ran out of retries";
    }
    if (look->severity >= MAJOR) return "an alarm";
    if (fabs(is[OPH__M_READBACK] - aim->position) <= aim->tolerance) return NULL;
    return "that it stands elsewhere";
}

int oph__motor_judge(const struct oph__motor_aim *aim, const struct oph__motor_look *look,
                     double waited, oph_error *err)
{
    char wanted[160], position[40], tolerance[40], at[40];
    enum oph__motor_row row;
    const char *why = why_not(aim, look, &row);
    if (!why) return 0;
    oph__format(wanted, sizeof wanted, "%s within %s %s",
                oph__from_double(position, sizeof position, aim->position),
                oph__from_double(tolerance, sizeof tolerance, aim->tolerance), look->units);
    const oph_signal *sig = aim->rows[row];
    return oph__fail(err, OPH_EMISMATCH,
                     (struct oph__at){.device = sig->path, .pv = sig->read->name, .waited = waited},
                     wanted, "%s, at %s", why,
                     oph__from_double(at, sizeof at, look->number[OPH__M_READBACK]));
}
