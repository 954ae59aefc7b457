#include "bench/side.h"
#include "bench/libca.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void tally_init(struct tally *t)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->zero, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void tally_expect(struct tally *t, int count)
{
    atomic_store(&t->left, count);
}

void tally_one(struct tally *t)
{
    if (atomic_fetch_sub(&t->left, 1) != 1) return;
    pthread_mutex_lock(&t->lock);
    pthread_cond_signal(&t->zero);
    pthread_mutex_unlock(&t->lock);
}

void tally_wait(struct tally *t)
{
    struct timespec until;
    int rc = 0;

    ca_flush_io();
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)PATIENCE;
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->left) > 0 && rc == 0)
        rc = pthread_cond_timedwait(&t->zero, &t->lock, &until);
    pthread_mutex_unlock(&t->lock);
    side_need(rc == 0, "libca: no answer in time");
}

void libca_need(int status, const char *what)
{
    if (status == ECA_NORMAL) return;
    fprintf(stderr, "bench: libca: %s: %s\n", what, ca_message(status));
    exit(1);
}

void libca_start(void)
{
    libca_need(ca_context_create(ca_enable_preemptive_callback), "a context");
}

static void connected(struct connection_handler_args args)
{
    if (args.op == CA_OP_CONN_UP) tally_one(ca_puser(args.chid));
}

chid libca_open(const char *pv, struct tally *t)
{
    chid channel = NULL;
    libca_need(ca_create_channel(pv, connected, t, CA_PRIORITY_DEFAULT, &channel), pv);
    return channel;
}
