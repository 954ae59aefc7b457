#include "ca/client.h"

#include "base/err.h"

/* While channels come up in a burst there is something more to send every few microseconds; to send
 * it piece by piece makes client and server wait for each other. So it is sent when there was
 * nothing more for this long, and at the latest then, seconds. */
static const double QUIET = 0.001, LONGEST = 0.02;

struct flush {
    struct oph__link *link;
    int searched, sent; /* libca's statuses */
    char pv[80];        /* that it would not search for */
};

static void search_and_send(struct flush *f)
{
    if (atomic_load(&f->link->any_new))
        f->searched = oph__ca_chans_search(f->link, f->pv, sizeof f->pv);
    f->sent = ca_flush_io();
}

/* What a callback may not do, the own thread does. */
static void flush_now(void *arg)
{
    struct flush *f = arg;

    if (!oph__ca_inside(f->link)) {
        search_and_send(f);
    } else {
        if (atomic_load(&f->link->any_new)) oph__ca_flush_soon(f->link);
        f->sent = ca_flush_io();
    }
}

int oph__ca_flush(struct oph__link *link, oph_error *err)
{
    struct flush f = {.link = link, .searched = ECA_NORMAL};

    if (oph__ca_in_child(link)) return oph__ca_may_call(link, NULL, err);
    oph__ca_run(link, flush_now, &f);
    if (f.searched != ECA_NORMAL)
        return oph__fail(err, oph__ca_code(f.searched), (struct oph__at){.pv = f.pv}, "a channel",
                         "%s", ca_message(f.searched));
    if (f.sent == ECA_NORMAL) return 0;
    return oph__fail_text(err, OPH_ECA, "libca did not send: %s", ca_message(f.sent));
}

static void flush_due(struct oph__timer *timer)
{
    struct oph__link *link = OPH__AROUND(struct oph__link, flush, timer);
    struct flush f = {.link = link};
    unsigned asked = atomic_load(&link->asked);

    if (asked != link->asked_before && oph__now() < link->flush_by) {
        link->asked_before = asked;
        if (oph__timer_start(link->own, timer, oph__now() + QUIET)) return;
    }
    atomic_store(&link->flush_due, false); /* before it: what comes meanwhile may be too late */
    search_and_send(&f);                   /* what fails stays new */
}

void oph__ca_flush_soon(struct oph__link *link)
{
    unsigned asked = atomic_fetch_add(&link->asked, 1) + 1;

    if (atomic_exchange(&link->flush_due, true)) return;
    link->asked_before = asked;
    link->flush_by = oph__now() + LONGEST;
    if (oph__timer_start(link->own, &link->flush, oph__now() + QUIET)) return;
    atomic_store(&link->flush_due, false);
    ca_flush_io();
}

void oph__ca_flush_init(struct oph__link *link)
{
    link->flush.run = flush_due;
}

void oph__ca_flush_end(struct oph__link *link)
{
    oph__timer_stop(link->own, &link->flush);
}
