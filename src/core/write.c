#include "core/write.h"
#include "base/err.h"
#include "base/str.h"
#include "core/ops.h"
#include "core/watch.h"
#include <stdlib.h>

static char *show_wire(const struct oph__write *w, const struct oph__wire *wire, char *dst,
                       size_t size)
{
    struct oph__chan_info info = {.count = 2}; /* a CHAR array is text */
    const struct oph_value v = {.dtype = wire->dtype, .count = wire->count, .data = wire->data};
    oph__pv_info(w->sig->set, &info);
    return oph__value_show(&v, &info, dst, size);
}

static void fail(struct oph__write *w, int code, double waited, const char *found)
{
    char shown[300], wanted[320];
    const struct oph__at at = {.device = w->sig->path, .pv = w->sig->read->name, .waited = waited};
    show_wire(w, w->expect, shown, sizeof shown);
    oph__format(wanted, sizeof wanted, w->differ ? "anything but %s" : "%s", shown);
    w->rc = oph__fail(&w->error, code, at, wanted, "%s", found);
}

/* Completions of slow rows add up: commands to one driver run one after the other. */
static double completion_deadline(oph_context *ctx, const struct oph__write *writes, size_t count)
{
    double timeout = ctx->options.put_timeout;
    for (size_t i = 0; i < count; i++)
        timeout += writes[i].sig->row->slow;
    return oph__now() + timeout;
}

static int put_all(oph_context *ctx, struct oph__write *writes, size_t count, bool interruptible,
                   oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__ops_new(ctx, count, &g, err);
    if (rc) return rc;
    double started = oph__now();
    for (size_t i = 0; i < count; i++)
        oph__ops_put(g, writes[i].sig->set, writes[i].wire, !oph__signal_is_start(writes[i].sig),
                     NULL);
    rc = oph__ops_wait(g, completion_deadline(ctx, writes, count), interruptible, err);
    if (rc == OPH_ETIMEOUT) {
        rc = 0; /* then those that are late have an error each */
        if (err) *err = (oph_error)OPH_ERROR_INIT;
    }
    for (size_t i = 0; i < count; i++) {
        char wanted[320];
        show_wire(&writes[i], writes[i].wire, wanted, sizeof wanted);
        writes[i].rc =
            oph__op_error(oph__ops_at(g, i), wanted, oph__now() - started, &writes[i].error);
    }
    oph__ops_free(g);
    return rc;
}

/* After completion the readback is usually there already: one round trip tells. */
static int read_back(oph_context *ctx, struct oph__write *writes, size_t count, bool *arrived,
                     bool interruptible, oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__ops_new(ctx, count, &g, err);
    if (rc) return rc;
    const struct oph__op **ops = calloc(count, sizeof(const struct oph__op *));
    if (!ops) {
        oph__ops_free(g);
        return oph__fail_memory(err, "requests");
    }
    for (size_t i = 0; i < count; i++) {
        arrived[i] = writes[i].rc || !writes[i].expect;
        if (!arrived[i]) ops[i] = oph__ops_get(g, writes[i].sig->read, NULL, NULL);
    }
    double started = oph__now();
    rc = oph__ops_wait(g, started + ctx->options.get_timeout, interruptible, err);
    for (size_t i = 0; i < count; i++) {
        struct oph__chan_info info;
        if (!ops[i] || ops[i]->code) continue;
        bool is_path = writes[i].sig->row->how == OPH__PATH;
        if (!ops[i]->done && rc == OPH_ETIMEOUT) { /* an IOC that answers no get posts nothing */
            fail(&writes[i], rc, oph__now() - started, "no answer from the IOC");
            arrived[i] = true;
        } else if (ops[i]->done && oph__pv_info(writes[i].sig->read, &info)) {
            bool same = oph__matches(&ops[i]->value, &info, writes[i].expect, is_path);
            arrived[i] = same != writes[i].differ;
        }
    }
    free(ops);
    oph__ops_free(g);
    if (rc == OPH_ETIMEOUT) {
        rc = 0; /* those without an answer have an error each */
        if (err) *err = (oph_error)OPH_ERROR_INIT;
    }
    return rc;
}

static void judge(struct oph__write *w, const struct oph__watch *watch, double waited)
{
    if (watch->reached) return;
    struct oph__chan_info info;
    char found[320];
    if (!oph__pv_info(w->sig->read, &info)) {
        fail(w, OPH_EDISCONN, waited, "the PV is not connected");
    } else if (watch->fell) {
        fail(w, OPH_EMISMATCH, 0, "the IOC took it back at once");
    } else if (!watch->last.data) {
        fail(w, OPH_ETIMEOUT, waited, "no answer from the IOC");
    } else {
        oph__value_show(&watch->last, &info, found, sizeof found);
        fail(w, OPH_EMISMATCH, waited, found);
    }
}

static int watch_rest(oph_context *ctx, struct oph__write *writes, size_t count,
                      const bool *arrived, bool interruptible, oph_error *err)
{
    struct oph__watch *watches = calloc(count, sizeof *watches);
    struct oph__monitor m;
    if (!watches || oph__monitor_init(&m)) {
        free(watches);
        return oph__fail_memory(err, "subscriptions");
    }
    double started = oph__now();
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (arrived[i]) continue;
        double patience = writes[i].patience > 0 ? writes[i].patience : ctx->options.grace;
        watches[n++] = (struct oph__watch){.sig = writes[i].sig,
                                           .expect = writes[i].expect,
                                           .differ = writes[i].differ,
                                           .deadline = started + patience};
    }
    int rc = n ? oph__watch_begin(ctx, &m, watches, n, err) : 0;
    if (!rc && n) rc = oph__watch_wait(ctx, &m, watches, n, interruptible);
    double waited = oph__now() - started;
    n = 0;
    for (size_t i = 0; i < count; i++) {
        if (arrived[i]) continue;
        struct oph__watch *w = &watches[n++];
        pthread_mutex_lock(&m.lock);
        judge(&writes[i], w, waited);
        pthread_mutex_unlock(&m.lock);
    }
    oph__watch_end(watches, n);
    oph__monitor_destroy(&m);
    free(watches);
    if (rc == OPH_EINTR) oph__fail_text(err, rc, "interrupted after %.1f s", waited);
    return rc;
}

int oph__write_await(oph_signal *sig, const struct oph__wire *expect, bool differ, double patience,
                     oph_error *err)
{
    struct oph__write w = {
        .sig = sig, .wire = expect, .expect = expect, .differ = differ, .patience = patience};
    bool arrived = false;
    int rc = watch_rest(sig->ctx, &w, 1, &arrived, false, err);
    if (rc || !w.rc) return rc;
    if (err) *err = w.error;
    return w.rc;
}

int oph__write_all(oph_context *ctx, struct oph__write *writes, size_t count, bool interruptible,
                   oph_error *err)
{
    if (!count) return 0;
    bool *arrived = calloc(count, sizeof *arrived);
    oph_error whole = OPH_ERROR_INIT;
    int rc = arrived ? put_all(ctx, writes, count, interruptible, &whole)
                     : oph__fail_memory(&whole, "requests");
    if (!rc) rc = read_back(ctx, writes, count, arrived, interruptible, &whole);
    if (!rc) rc = watch_rest(ctx, writes, count, arrived, interruptible, &whole);
    free(arrived);
    /* What ended all of it is the error of each that was not done. */
    for (size_t i = 0; whole.code && i < count; i++) {
        if (!writes[i].rc) writes[i].error = whole;
        writes[i].rc = writes[i].error.code;
    }
    if (whole.code && err) *err = whole;
    for (size_t i = 0; !rc && i < count; i++) {
        rc = writes[i].rc;
        if (rc && err) *err = writes[i].error;
    }
    return rc;
}
