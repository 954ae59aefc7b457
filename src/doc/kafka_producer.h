/* Sends messages through librdkafka; only kafka_producer.c includes its header.
 *
 * librdkafka's threads work for themselves: all that it has to say (deliveries, errors) comes in
 * the calls below, on the caller's thread. One thread at a time. */
#ifndef DOC_KAFKA_PRODUCER_H
#define DOC_KAFKA_PRODUCER_H

#include <cophyd/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oph__producer;

struct oph__producer_setup {
    const char *brokers, *topic;
    const char *const *properties; /* "name=value", ended by NULL; may be NULL */
    uint32_t queue_length;
    double delivery_timeout; /* seconds; 0: none */
};

/* Needs no broker. OPH_EINVAL, with librdkafka's words; OPH_EABSENT when built without it. */
int oph__producer_new(const struct oph__producer_setup *setup, struct oph__producer **ret,
                      oph_error *err);

/* Puts a message into the queue, copied; where that is full it waits, *patience seconds at most, of
 * which it takes what it waited. False when it, or one before it, is lost for good. */
bool oph__producer_send(struct oph__producer *p, const char *key, const char *bytes, size_t count,
                        double *patience);

/* Waits until all are acknowledged, or one is lost; true: all are. */
bool oph__producer_flush(struct oph__producer *p, double seconds);

/* Messages that brokers have acknowledged. */
uint64_t oph__producer_acknowledged(const struct oph__producer *p);

/* Why not all are, in librdkafka's words, and as a code: OPH_EFILE where a message was refused,
 * OPH_ETIMEOUT where nobody took it in time. Asks the brokers for up to a second where it does not
 * know. */
int oph__producer_reason(struct oph__producer *p, char *text, size_t size);

/* Do brokers answer, and have the topic? 0, or OPH_ETIMEOUT and OPH_EFILE with words for it. */
int oph__producer_check(struct oph__producer *p, double seconds, char *text, size_t size);

/* What is not acknowledged is dropped. Comes back within some seconds, also where librdkafka is
 * kept by a name server: then a thread ends it later. NULL allowed. */
void oph__producer_free(struct oph__producer *p);

#endif
