/* Moving a motor: one put with completion on the engine, the look at what became of it in the same
 * group, and a STOP when it is given up. */
#include "ad/motor.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/status.h"
#include <stdlib.h>
#include <string.h>

/* What the hook keeps of a device. */
struct motor {
    pthread_mutex_t lock;
    oph_status *status; /* of the newest move; a reference */
};

struct move {
    struct oph__motor_aim aim;
    oph_context *ctx;
    oph_status *status; /* owns the move, which has a reference to it while it is under way */
    oph_group *group;
    oph_status *part; /* of the group */
    double began;
    struct oph__chanmon *mon; /* of the readback */
    struct oph__timer halt;   /* a motor that was stopped is waited for until then */
    pthread_mutex_t lock;     /* of what follows */
    struct oph__ops *stop;
    bool told, cancelled, begun, ended; /* told: to stop */
};

static void *create(oph_device *dev, oph_error *err)
{
    (void)dev;
    struct motor *m = calloc(1, sizeof *m);
    if (m && !pthread_mutex_init(&m->lock, NULL)) return m;
    free(m);
    oph__fail_memory(err, "a motor");
    return NULL;
}

static void destroy(void *data)
{
    struct motor *m = data;
    oph_status_unref(m->status);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static int plan(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err)
{
    (void)dev, (void)data, (void)plan, (void)err;
    return 0;
}

/* Stopping */

/* A plain put: with completion it would wait for the end of the move. */
static void put_stop(oph_signal *sig, struct oph__ops **ret)
{
    struct oph__wire wire = {.dtype = OPH_INT16, .count = 1};
    wire.data = wire.small;
    *(int16_t *)wire.data = 1;
    if (oph__ops_new(sig->ctx, 1, ret, NULL)) return;
    oph__ops_put(*ret, sig->set, &wire, false, NULL);
    oph__ops_send(*ret, NULL);
}

static void tell_to_stop(struct move *m)
{
    pthread_mutex_lock(&m->lock);
    bool told = m->told;
    m->told = true;
    pthread_mutex_unlock(&m->lock);
    if (!told) put_stop(m->aim.rows[OPH__M_STOP], &m->stop);
}

/* Its put ends when the motor stands. */
static void halt(struct move *m)
{
    tell_to_stop(m);
    pthread_mutex_lock(&m->lock);
    bool timed = m->ended || oph__timer_start(m->ctx->engine, &m->halt,
                                              oph__now() + m->ctx->options.stop_timeout);
    pthread_mutex_unlock(&m->lock);
    if (!timed) oph_status_cancel(m->part, NULL);
}

/* One that has not quite begun is stopped when it has: a STOP before its put would stop nothing. */
static void on_cancel(oph_status *status, void *action)
{
    struct move *m = action;
    (void)status;
    pthread_mutex_lock(&m->lock);
    m->cancelled = true;
    bool moves = m->begun && !m->ended;
    pthread_mutex_unlock(&m->lock);
    if (moves) halt(m);
}

static void on_begun(struct move *m)
{
    pthread_mutex_lock(&m->lock);
    m->begun = true;
    bool cancelled = m->cancelled && !m->ended;
    pthread_mutex_unlock(&m->lock);
    if (cancelled) halt(m);
}

static void on_halt_late(struct oph__timer *timer)
{
    struct move *m = OPH__AROUND(struct move, halt, timer);
    oph_status_cancel(m->part, NULL);
}

/* Ending */

static void destroy_move(void *action)
{
    struct move *m = action;
    oph__ops_free(m->stop);
    oph_status_unref(m->part);
    oph_group_free(m->group);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static void end(struct move *m, const oph_error *error)
{
    pthread_mutex_lock(&m->lock);
    m->ended = true;
    pthread_mutex_unlock(&m->lock);
    oph__timer_stop(m->ctx->engine, &m->halt);
    if (m->mon) m->ctx->ops->unsubscribe(m->mon);
    m->mon = NULL;
    oph__status_finish(m->status, error);
    oph_status_unref(m->status); /* under way no more */
}

static int say(const struct move *m, int code, const char *found, oph_error *err)
{
    char wanted[160], position[40];
    const oph_signal *sig = m->aim.rows[OPH__M_SETPOINT];
    oph__format(wanted, sizeof wanted, "%s %s",
                oph__from_double(position, sizeof position, m->aim.position), m->aim.before.units);
    return oph__fail(err, code,
                     (struct oph__at){.device = sig->path,
                                      .pv = sig->set->name,
                                      .waited = oph__now() - m->began},
                     wanted, "%s", found);
}

static void say_where(const struct move *m, int code, const char *why,
                      const struct oph__motor_look *look, oph_error *err)
{
    char found[120], at[40] = "an unknown place";
    double is = look->number[OPH__M_READBACK];
    if (!isnan(is)) oph__from_double(at, sizeof at, is);
    oph__format(found, sizeof found, "%s, at %s", why, at);
    say(m, code, found, err);
}

/* The put has ended, or was given up, and the look after it. */
static void on_part_done(oph_status *part, void *user)
{
    struct move *m = user;
    struct oph__motor_look look;
    oph_error err = OPH_ERROR_INIT, unseen = OPH_ERROR_INIT;
    (void)part;
    int put = oph_group_result(m->group, 0, &err);
    int seen = oph__motor_take_after(&m->aim, m->group, 1, &look, &unseen);
    bool stands = !seen && look.number[OPH__M_DONE] == 1;
    pthread_mutex_lock(&m->lock);
    bool cancelled = m->cancelled;
    pthread_mutex_unlock(&m->lock);
    /* One that moves again is somebody else's, and so is one whose put was not sent. */
    if (put == OPH_ETIMEOUT || put == OPH_ECANCEL || put == OPH_EDISCONN) tell_to_stop(m);
    if (cancelled || put == OPH_ECANCEL)
        say_where(m, OPH_ECANCEL,
                  stands ? "stopped" : "told to stop, but it has not come to a halt", &look, &err);
    else if (put == OPH_ETIMEOUT)
        say_where(m, OPH_ETIMEOUT, "that it still moves: it was told to stop", &look, &err);
    else if (!put && seen)
        err = unseen;
    else if (!put)
        oph__motor_judge(&m->aim, &look, oph__now() - m->began, &err);
    end(m, &err);
}

/* Starting */

static void on_readback(void *user, const struct oph__event *event)
{
    struct move *m = user;
    struct oph__chan_info info = {0};
    const oph_value value = oph__event_value(event);
    double now;
    if (event->code || !oph__value_double(&value, &now)) return;
    oph__pv_info(m->aim.rows[OPH__M_READBACK]->read, &info);
    oph__status_report(m->status, m->aim.before.number[OPH__M_READBACK], now, m->aim.position,
                       m->aim.before.units, info.precision);
}

static int fill_group(struct move *m, oph_error *err)
{
    const oph_put_options how = {
        .size = sizeof how, .policy = OPH_PUT_COMPLETE, .timeout = m->aim.timeout};
    int rc = oph_group_new(m->ctx, &m->group, err);
    if (!rc)
        rc = oph_group_put(m->group, m->aim.rows[OPH__M_SETPOINT], OPH_DOUBLE(m->aim.position),
                           &how, err);
    return rc ? rc : oph__motor_ask_after(&m->aim, m->group, err);
}

static int begin(struct move *m, oph_error *err)
{
    const char *name = m->aim.dev->name;
    int rc = oph__pv_subscribe(m->aim.rows[OPH__M_READBACK]->read, on_readback, m, &m->mon, err);
    m->began = oph__now();
    if (!rc)
        rc = oph__group_start(m->group, "MotorPutStatus", name, (double)INFINITY, &m->part, err);
    if (!rc) {
        oph_status_ref(m->status);
        rc = oph__status_around(m->status, &m->part, 1, false, on_part_done, m, err);
        if (rc) oph_status_unref(m->status);
    }
    if (!rc) {
        on_begun(m);
        return 0;
    }
    if (m->part) { /* it is on its way, and nobody would look */
        tell_to_stop(m);
        oph__group_stop(m->group);
    }
    if (m->mon) m->ctx->ops->unsubscribe(m->mon);
    m->mon = NULL;
    return rc;
}

static int new_move(oph_device *dev, const struct oph__motor_aim *aim, struct move **ret,
                    oph_error *err)
{
    struct move *m = calloc(1, sizeof *m);
    if (!m || pthread_mutex_init(&m->lock, NULL)) {
        free(m);
        return oph__fail_memory(err, "a move");
    }
    m->ctx = dev->ctx;
    m->aim = *aim;
    m->halt.run = on_halt_late;
    int rc = oph__status_new(dev->ctx, "MoveStatus", dev->name, (double)INFINITY, &m->status, err);
    if (rc) {
        destroy_move(m);
        return rc;
    }
    oph__status_own(m->status, m, on_cancel, destroy_move);
    *ret = m;
    return 0;
}

static int take_options(const oph_device *dev, const oph_move_options *opt,
                        struct oph__motor_aim *aim, oph_error *err)
{
    oph_move_options o = {0};
    if (!opt) return 0;
    if (opt->size < sizeof opt->size || opt->size > sizeof o)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "the size of oph_move_options", "another");
    memcpy(&o, opt, opt->size);
    if (!(o.timeout >= 0) || !(o.tolerance >= 0))
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "a timeout and a tolerance of 0 or more", "less");
    if (o.timeout > 0) aim->timeout = o.timeout;
    if (o.tolerance > 0) aim->tolerance = o.tolerance;
    return 0;
}

/* For oph_stop. Takes the reference over, and gives that to the former. */
static oph_status *remember(oph_device *dev, oph_status *status)
{
    struct motor *motor = oph__hook_data(dev, &oph__motor);
    pthread_mutex_lock(&motor->lock);
    oph_status *former = motor->status;
    motor->status = status;
    pthread_mutex_unlock(&motor->lock);
    return former;
}

/* It can be stopped from before its put is sent; where it could not begin nobody waits for it. */
static int begin_known(oph_device *dev, struct move *m, oph_error *err)
{
    oph_error why = OPH_ERROR_INIT;
    oph_status *former = remember(dev, oph_status_ref(m->status));
    int rc = begin(m, &why);
    if (rc) {
        oph__status_finish(m->status, &why);
        if (err) *err = why;
        former = remember(dev, former);
    }
    oph_status_unref(former);
    return rc;
}

int oph_move_start(oph_device *dev, double position, const oph_move_options *opt,
                   oph_status **ret_status, oph_error *err)
{
    struct oph__motor_aim aim;
    struct move *m = NULL;
    struct oph__call call;
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph__motor_aim(dev, position, &aim, err);
    if (!rc) rc = take_options(dev, opt, &aim, err);
    if (!rc) rc = new_move(dev, &aim, &m, err);
    if (!rc) {
        oph_status *status = m->status;
        rc = fill_group(m, err);
        if (!rc) rc = begin_known(dev, m, err);
        if (rc)
            oph_status_unref(status);
        else
            *ret_status = status;
    }
    oph__call_end(&dev->ctx->waits, &call);
    return rc;
}

/* A cancelled one is not left before the motor stands, or has had its time for that. */
static void give_up(oph_device *dev, oph_status *status)
{
    oph_status_cancel(status, NULL);
    oph__status_settle(status,
                       oph__now() + dev->ctx->options.stop_timeout + dev->ctx->options.get_timeout);
}

int oph_move(oph_device *dev, double position, const oph_move_options *opt, oph_error *err)
{
    oph_status *status;
    struct oph__call call;
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph_move_start(dev, position, opt, &status, err);
    if (!rc) {
        rc = oph_status_wait(status, OPH_DEFAULT, err);
        if (!oph_status_done(status)) give_up(dev, status);
        oph_status_unref(status);
    }
    oph__call_end(&dev->ctx->waits, &call);
    return rc;
}

int oph_move_check(oph_device *dev, double position, oph_error *err)
{
    struct oph__motor_aim aim;
    int rc = oph__context_may_block(dev->ctx, err);
    return rc ? rc : oph__motor_aim(dev, position, &aim, err);
}

/* oph_stop */

static int stop_anybody(oph_device *dev, oph_error *err)
{
    oph_signal *done, *button;
    int64_t stands = 0;
    int rc = oph_signal_find(dev, "motor_done_move", &done, err);
    if (!rc) rc = oph_signal_find(dev, "motor_stop", &button, err);
    if (!rc) rc = oph_signal_get_int(done, &stands, err);
    if (rc || stands) return rc;
    const oph_put_options how = {.size = sizeof how, .policy = OPH_PUT_SEND};
    const oph_condition until = {.size = sizeof until, .equals = OPH_INT(1)};
    rc = oph_signal_put(button, OPH_INT(1), &how, err);
    return rc ? rc : oph_signal_wait(done, &until, dev->ctx->options.stop_timeout, err);
}

static int stop(oph_device *dev, void *data, oph_error *err)
{
    struct motor *motor = data;
    pthread_mutex_lock(&motor->lock);
    oph_status *status = motor->status ? oph_status_ref(motor->status) : NULL;
    pthread_mutex_unlock(&motor->lock);
    bool ours = status && !oph_status_done(status);
    if (ours) give_up(dev, status);
    oph_status_unref(status);
    return stop_anybody(dev, err); /* which stands already, as a rule */
}

const struct oph__hook_ops oph__motor = {
    .name = "motor",
    .create = create,
    .destroy = destroy,
    .needs = oph__motor_needs,
    .plan = plan,
    .stop = stop,
};
