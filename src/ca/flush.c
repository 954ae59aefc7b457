#include "ca/client.h"

#include "base/err.h"

/* While channels come up in a burst, there is one more every few microseconds. */
static const double MOMENT = 0.002;

static void flush_now(void *arg)
{
    *(int *)arg = ca_flush_io();
}

int oph__ca_flush(struct oph__link *link, oph_error *err)
{
    int status = ECA_NORMAL;

    if (oph__ca_in_child(link)) return oph__ca_may_call(link, NULL, err);
    oph__ca_run(link, flush_now, &status);
    if (status == ECA_NORMAL) return 0;
    return oph__fail_text(err, OPH_ECA, "libca did not send: %s", ca_message(status));
}

static void flush_due(struct oph__timer *timer)
{
    struct oph__link *link =
        (struct oph__link *)((char *)timer - offsetof(struct oph__link, flush));

    atomic_store(&link->flush_due, false); /* before it: what comes meanwhile may be too late */
    ca_flush_io();
}

void oph__ca_flush_soon(struct oph__link *link)
{
    if (atomic_exchange(&link->flush_due, true)) return;
    if (!oph__timer_start(link->own, &link->flush, oph__now() + MOMENT)) flush_due(&link->flush);
}

void oph__ca_flush_init(struct oph__link *link)
{
    link->flush.run = flush_due;
}

void oph__ca_flush_end(struct oph__link *link)
{
    oph__timer_stop(link->own, &link->flush);
}
