/* What a put's readback, or a signal that is waited for, must become: read once, then watched.
 *
 * A readback that is watched from before its put is taken as wanted without a read only where a
 * value came after the first that the watch showed, and is the newest: the first may be older than
 * the put. One that stood as wanted before and has shown no change is read: the IOC may have pushed
 * it away, and not have said so yet. What disagrees with such a read is watched anew, since what
 * the old watch has still to tell may be older than the read. A start row's readback is not read at
 * all: it takes its time to move, and the watch shows that.
 *
 * What must stand for a time does so as long as it is seen: not while its PV is away, or cannot be
 * read. */
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include <string.h>

static void saw_value(void *user, const struct oph__event *event)
{
    struct oph__entry *e = user;
    struct oph__wanting *w = e->want;
    if (event->code) {
        pthread_mutex_lock(&e->group->m->lock);
        w->aim.holds = false;
        pthread_mutex_unlock(&e->group->m->lock);
        return;
    }
    struct oph_value seen = oph__event_value(event);
    bool likes = oph__aim_likes(&w->aim, &seen);
    unsigned ups = oph__pv_ups(e->pv);
    pthread_mutex_lock(&e->group->m->lock);
    if (ups != w->ups) w->aim.holds = false;
    w->ups = ups;
    bool first = w->seen++ == 0;
    w->shown = likes;
    if (e->step == OPH__WATCHING || (w->beforehand && !w->read_first)) {
        bool held = w->aim.holds;
        oph__aim_see(&w->aim, event, likes, oph__now());
        bool news = w->aim.holds || held || (first && w->from_first);
        if (news && e->step == OPH__WATCHING) oph__group_news(e);
    }
    pthread_mutex_unlock(&e->group->m->lock);
}

/* Capture refused: its setpoint is posted as 1 and then as 0, while the readback never moves. */
static void saw_setpoint(void *user, const struct oph__event *event)
{
    struct oph__entry *e = user;
    if (event->code || event->dtype != OPH_ENUM || !event->count) return;
    bool on = *(const uint16_t *)event->data != 0;
    pthread_mutex_lock(&e->group->m->lock);
    if (on) e->want->rose = true;
    if (e->want->rose && !on) {
        e->want->fell = true;
        if (e->step == OPH__WATCHING) oph__group_news(e);
    }
    pthread_mutex_unlock(&e->group->m->lock);
}

static bool starts(const struct oph__entry *e)
{
    const struct oph__wire *expect = e->want->expect;
    return e->kind == OPH__PUT && oph__signal_is_start(e->sig) && expect &&
           expect->dtype == OPH_ENUM && *(const uint16_t *)expect->data != 0;
}

static void enter(struct oph__entry *e, enum oph__entry_step step, double until)
{
    pthread_mutex_lock(&e->group->m->lock);
    e->step = step;
    pthread_mutex_unlock(&e->group->m->lock);
    e->deadline = until;
    e->group->unsent = true;
    oph__group_due(e->group, until);
}

static void subscribe(struct oph__entry *e)
{
    struct oph__ops *ops = e->group->ops;
    e->want->watch = oph__ops_watch(ops, e->pv, saw_value, e);
    if (starts(e)) e->want->watch_start = oph__ops_watch(ops, e->sig->set, saw_setpoint, e);
}

static double until(const struct oph__entry *e, double seconds)
{
    return (e->kind == OPH__WAIT ? e->group->begun : e->since) + seconds;
}

/* An IOC that does not even show the present value in time answers nothing. */
static void enter_watching(struct oph__entry *e)
{
    double answer = e->group->ctx->options.get_timeout;
    e->since = e->group->now;
    e->want->answered = false;
    enter(e, OPH__WATCHING, until(e, e->want->from_first ? answer : e->want->patience));
}

static void watch(struct oph__entry *e)
{
    e->want->seen = 0; /* by this watch */
    enter_watching(e);
    subscribe(e);
}

/* How it is compared, and, for a condition, what with: as the PV that is watched has it. */
static int prepare(struct oph__entry *e, oph_error *err)
{
    struct oph__wanting *w = e->want;
    struct oph__chan_info info;
    const struct oph__at at = oph__pv_at(e->pv);
    if (!oph__pv_info(e->pv, &info))
        return oph__fail(err, OPH_EDISCONN, at, "a value", "the PV is not connected");
    double absolute = w->aim.how.absolute, relative = w->aim.how.relative;
    w->aim.how = oph__alike(&info, e->sig->row->type, e->sig->row->how == OPH__PATH);
    w->aim.how.absolute = absolute;
    w->aim.how.relative = relative;
    if (w->given) {
        struct oph__target target = oph__signal_target(e->sig, &info);
        target.pv = e->pv->name;
        target.nonfinite = true;
        info.writable = true; /* it is only compared */
        oph__wire_clear(&w->own);
        int rc = oph__encode_data(w->given, &target, &w->own, err);
        if (rc) return rc;
        w->expect = &w->own;
    }
    w->aim.expect = w->expect;
    return 0;
}

int oph__want_check(struct oph__entry *e, oph_error *err)
{
    return e->want && e->want->given ? prepare(e, err) : 0;
}

int oph__want_beforehand(struct oph__entry *e, oph_error *err)
{
    int rc = prepare(e, err);
    if (!rc) subscribe(e);
    return rc;
}

bool oph__want_begin(struct oph__entry *e)
{
    oph_error err = OPH_ERROR_INIT;
    if (e->want->watch) {
        enter_watching(e);
        return oph__want_step(e);
    }
    if (prepare(e, &err))
        oph__entry_end(e, &err);
    else
        watch(e);
    return false;
}

static void stop_watching(struct oph__entry *e)
{
    oph__op_unwatch(e->want->watch);
    e->want->watch = NULL;
    e->group->unsent = true;
}

bool oph__want_turn(struct oph__entry *e)
{
    oph_error err = OPH_ERROR_INIT;
    struct oph__wanting *w = e->want;
    pthread_mutex_lock(&e->group->m->lock);
    bool there = w->shown && w->seen > 1;
    pthread_mutex_unlock(&e->group->m->lock);
    if (there) return true;
    if (w->watch) stop_watching(e);
    if (prepare(e, &err)) {
        oph__entry_end(e, &err);
        return false;
    }
    e->since = e->group->now;
    e->op = NULL;
    enter(e, OPH__READING_BACK, e->since + e->group->ctx->options.get_timeout);
    e->asked = oph__ops_get(e->group->ops, e->pv, NULL, e);
    return false;
}

static void fail(struct oph__entry *e, int code, double waited, const char *found)
{
    char wanted[320];
    oph_error err = OPH_ERROR_INIT;
    struct oph__chan_info info = {.count = 2}; /* a CHAR array is text */
    oph__pv_info(e->pv, &info);
    oph__aim_show(&e->want->aim, &info, wanted, sizeof wanted);
    const struct oph__at at = {.device = e->sig->path, .pv = e->pv->name, .waited = waited};
    oph__fail(&err, code, at, wanted, "%s", found);
    oph__entry_end(e, &err);
}

/* Gone since its newest value, which may be another now. */
static bool is_away(const struct oph__entry *e)
{
    return !oph__pv_is_up(e->pv) || oph__pv_ups(e->pv) != e->want->ups;
}

bool oph__want_step(struct oph__entry *e)
{
    struct oph__aim *aim = &e->want->aim;
    if (e->step == OPH__READING_BACK) {
        if (!e->op->code && oph__aim_likes(aim, &e->op->value)) return true;
        if (!e->op->code) oph__value_copy(&aim->last, &e->op->value, 0); /* for the sentence */
        watch(e);
        return false;
    }
    pthread_mutex_lock(&e->group->m->lock);
    if (!aim->reached && is_away(e)) aim->holds = false;
    bool fell = e->want->fell && !aim->holds, any = e->want->seen > 0;
    double due = oph__aim_due(aim);
    pthread_mutex_unlock(&e->group->m->lock);
    if (due <= e->group->now) return true;
    if (e->want->from_first && any && !e->want->answered) {
        e->want->answered = true;
        e->deadline = e->group->now + e->want->patience;
        oph__group_due(e->group, e->deadline);
    }
    if (fell) {
        fail(e, OPH_EMISMATCH, 0, "the IOC took it back at once");
        return false;
    }
    e->due = due;
    oph__group_due(e->group, due);
    return false;
}

void oph__want_late(struct oph__entry *e, double now)
{
    struct oph__chan_info info;
    struct oph__aim *aim = &e->want->aim;
    double waited = now - e->since;
    char value[320], found[400];
    if (e->step == OPH__READING_BACK) { /* an IOC that answers no get posts nothing */
        fail(e, OPH_ETIMEOUT, waited, "no answer from the IOC");
        return;
    }
    if (!oph__pv_info(e->pv, &info)) {
        fail(e, OPH_EDISCONN, waited, "the PV is not connected");
        return;
    }
    if (!info.readable) {
        fail(e, OPH_EACCESS, waited, "no read access to the PV");
        return;
    }
    pthread_mutex_lock(&e->group->m->lock);
    bool any = aim->last.data != NULL;
    if (any) oph__value_show(&aim->last, &info, value, sizeof value);
    double held = aim->holds ? now - aim->since : -1;
    pthread_mutex_unlock(&e->group->m->lock);
    if (!any)
        oph__copy(found, sizeof found, "no answer from the IOC");
    else if (held >= 0)
        oph__format(found, sizeof found, "%s, which has stood for %.1f s", value, held);
    else
        oph__copy(found, sizeof found, value);
    fail(e, any ? OPH_EMISMATCH : OPH_ETIMEOUT, waited, found);
}
