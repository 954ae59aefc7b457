#include "doc/kafka_producer.h"

#include "base/err.h"

#ifdef OPH_HAVE_RDKAFKA

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 512 };

/* Seconds to wait for librdkafka's threads to end. */
static const double closing_patience = 5;

struct oph__producer {
    rd_kafka_t *kafka;
    char *topic;
    uint64_t sent, acknowledged;
    rd_kafka_resp_err_t lost; /* the first failure for good; 0: none */
    char lost_words[WORDS];
    char told[WORDS]; /* what it told of its brokers last */
};

/* Nobody refused it: nobody was there in time. */
static bool is_late(rd_kafka_resp_err_t rc)
{
    return !rc || rc == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || rc == RD_KAFKA_RESP_ERR__QUEUE_FULL ||
           rc == RD_KAFKA_RESP_ERR__TIMED_OUT || rc == RD_KAFKA_RESP_ERR__TRANSPORT;
}

/* The first loss is the cause of those that follow. */
static void lose(struct oph__producer *p, rd_kafka_resp_err_t why, const char *words)
{
    if (p->lost) return;
    p->lost = why;
    oph__copy(p->lost_words, sizeof p->lost_words, words);
}

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct oph__producer *p = opaque;
    rd_kafka_resp_err_t rc = message->err;
    bool told = rc == RD_KAFKA_RESP_ERR__PURGE_QUEUE || rc == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    (void)kafka;
    if (rc) {
        lose(p, rc, told && *p->told ? p->told : rd_kafka_err2str(rc));
        return;
    }
    p->acknowledged++;
    *p->told = '\0'; /* that is over */
}

static void on_error(rd_kafka_t *kafka, int code, const char *words, void *opaque)
{
    struct oph__producer *p = opaque;
    (void)kafka;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*p->told) /* which tells no reason */
        oph__copy(p->told, sizeof p->told, words);
}

/* Setting it up */

static int refused(const struct oph__producer_setup *setup, const char *words, oph_error *err)
{
    return oph__fail_text(err, OPH_EINVAL, "Kafka topic %s at %s: %s", setup->topic, setup->brokers,
                          words);
}

/* What the sink itself sees to, and transactions, which nobody would end. */
static bool is_ours(const char *name)
{
    return oph__equal(name, "bootstrap.servers") || oph__equal(name, "metadata.broker.list") ||
           oph__equal(name, "transactional.id");
}

static int set(rd_kafka_conf_t *conf, const struct oph__producer_setup *setup, const char *property,
               oph_error *err)
{
    char words[WORDS] = "";
    const char *equals = strchr(property, '=');
    if (!equals) {
        oph__format(words, sizeof words, "wanted a property as name=value, found \"%s\"", property);
        return refused(setup, words, err);
    }
    char *name = oph__dup_n(property, (size_t)(equals - property));
    if (!name) return oph__fail_memory(err, "a Kafka producer");
    int rc = 0;
    if (is_ours(name)) {
        oph__format(words, sizeof words, "the property %s is not for users", name);
        rc = refused(setup, words, err);
    } else if (rd_kafka_conf_set(conf, name, equals + 1, words, sizeof words)) {
        rc = refused(setup, words, err);
    }
    free(name);
    return rc;
}

/* An outage shall not outlast itself by librdkafka's long waits between attempts. A topic that is
 * being made is waited for, as brokers are: half an hour, as microseconds the most that an int
 * holds in librdkafka. */
static int set_all(rd_kafka_conf_t *conf, const struct oph__producer_setup *setup, oph_error *err)
{
    static const char *const ours[] = {"client.id=cophyd",
                                       "enable.idempotence=true",
                                       "enable.gapless.guarantee=true",
                                       "reconnect.backoff.max.ms=1000",
                                       "topic.metadata.propagation.max.ms=1800000",
                                       "queue.buffering.max.kbytes=262144",
                                       NULL};
    char words[WORDS], length[64], timeout[64];
    oph__format(length, sizeof length, "queue.buffering.max.messages=%u", setup->queue_length);
    oph__format(timeout, sizeof timeout, "message.timeout.ms=%.0f", setup->delivery_timeout * 1e3);
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (rd_kafka_conf_set(conf, "bootstrap.servers", setup->brokers, words, sizeof words))
        return refused(setup, words, err);
    int rc = 0;
    for (const char *const *one = ours; !rc && *one; one++)
        rc = set(conf, setup, *one, err);
    if (!rc) rc = set(conf, setup, length, err);
    if (!rc) rc = set(conf, setup, timeout, err);
    for (const char *const *one = setup->properties; !rc && one && *one; one++)
        rc = set(conf, setup, *one, err);
    return rc;
}

int oph__producer_new(const struct oph__producer_setup *setup, struct oph__producer **ret,
                      oph_error *err)
{
    char words[WORDS] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct oph__producer *p = calloc(1, sizeof *p);
    if (p) p->topic = oph__dup(setup->topic);
    int rc = p && p->topic ? set_all(conf, setup, err) : oph__fail_memory(err, "a Kafka producer");
    if (!rc) {
        rd_kafka_conf_set_opaque(conf, p);
        p->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
        if (p->kafka) {
            *ret = p;
            return 0;
        }
        rc = refused(setup, words, err);
    }
    rd_kafka_conf_destroy(conf); /* rd_kafka_new takes it over only where it succeeds */
    if (p) free(p->topic);
    free(p);
    return rc;
}

/* Sending */

static int milliseconds(double seconds)
{
    return seconds > 0.1 ? 100 : seconds > 0 ? (int)(seconds * 1e3) + 1 : 0;
}

bool oph__producer_send(struct oph__producer *p, const char *key, const char *bytes, size_t count,
                        double *patience)
{
    rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR_NO_ERROR;
    while (!p->lost) {
        /* librdkafka's macros check their types in GNU C. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
        rc = rd_kafka_producev(p->kafka, RD_KAFKA_V_TOPIC(p->topic),
                               RD_KAFKA_V_KEY(key, strlen(key)),
                               RD_KAFKA_V_VALUE((void *)(uintptr_t)bytes, count),
                               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
#pragma GCC diagnostic pop
        if (rc != RD_KAFKA_RESP_ERR__QUEUE_FULL || *patience <= 0) break;
        double now = oph__now();
        rd_kafka_poll(p->kafka, milliseconds(*patience));
        *patience -= oph__now() - now;
    }
    if (!rc && !p->lost) p->sent++;
    rd_kafka_poll(p->kafka, 0); /* of a fatal error it tells the cause */
    if (rc) lose(p, rc, *p->told && !is_late(rc) ? p->told : rd_kafka_err2str(rc));
    return !p->lost;
}

bool oph__producer_flush(struct oph__producer *p, double seconds)
{
    double until = oph__now() + seconds, left = seconds;
    rd_kafka_poll(p->kafka, 0);
    while (!p->lost && p->acknowledged < p->sent && left > 0) {
        rd_kafka_poll(p->kafka, milliseconds(left));
        left = until - oph__now();
    }
    return !p->lost && p->acknowledged == p->sent;
}

uint64_t oph__producer_acknowledged(const struct oph__producer *p)
{
    return p->acknowledged;
}

/* What the brokers say of the topic. */
static rd_kafka_resp_err_t ask(struct oph__producer *p, double seconds)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(p->kafka, p->topic, NULL);
    if (!topic) return rd_kafka_last_error();
    rd_kafka_resp_err_t rc =
        rd_kafka_metadata(p->kafka, 0, topic, &metadata, (int)(seconds * 1e3) + 1);
    if (!rc && metadata->topic_cnt == 1) rc = metadata->topics[0].err;
    if (metadata) rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    rd_kafka_poll(p->kafka, 0);
    return rc;
}

int oph__producer_check(struct oph__producer *p, double seconds, char *text, size_t size)
{
    rd_kafka_resp_err_t rc = p->lost ? p->lost : ask(p, seconds);
    if (!rc) return 0;
    if (is_late(rc) && *p->told)
        oph__copy(text, size, p->told);
    else
        oph__copy(text, size, p->lost ? p->lost_words : rd_kafka_err2str(rc));
    return is_late(rc) ? OPH_ETIMEOUT : OPH_EFILE;
}

int oph__producer_reason(struct oph__producer *p, char *text, size_t size)
{
    rd_kafka_resp_err_t asked = is_late(p->lost) && !*p->told ? ask(p, 1) : p->lost;
    const char *why = *p->told ? p->told : asked ? rd_kafka_err2str(asked) : "no answer came";
    bool late = is_late(p->lost) && is_late(asked);
    if (late && p->lost)
        oph__format(text, size, "%s; %s", p->lost_words, why);
    else
        oph__copy(text, size, p->lost && !is_late(p->lost) ? p->lost_words : why);
    return late ? OPH_ETIMEOUT : OPH_EFILE;
}

/* Its end */

/* Belongs to the thread, and to who waits for it until that has left. */
struct closing {
    struct oph__monitor m;
    rd_kafka_t *kafka;
    bool done, left;
};

static void free_closing(struct closing *c)
{
    oph__monitor_destroy(&c->m);
    free(c);
}

static void *close_kafka(void *arg)
{
    struct closing *c = arg;
    rd_kafka_destroy(c->kafka);
    pthread_mutex_lock(&c->m.lock);
    c->done = true;
    bool left = c->left;
    pthread_cond_signal(&c->m.changed);
    pthread_mutex_unlock(&c->m.lock);
    if (left) free_closing(c);
    return NULL;
}

static void wait_closing(struct closing *c, pthread_t thread)
{
    struct timespec until = oph__timespec(oph__now() + closing_patience);
    pthread_mutex_lock(&c->m.lock);
    int rc = 0;
    while (!c->done && !rc)
        rc = pthread_cond_timedwait(&c->m.changed, &c->m.lock, &until);
    c->left = !c->done;
    bool left = c->left;
    pthread_mutex_unlock(&c->m.lock);
    if (left) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    free_closing(c);
}

void oph__producer_free(struct oph__producer *p)
{
    if (!p) return;
    pthread_t thread;
    struct closing *c = calloc(1, sizeof *c);
    rd_kafka_purge(p->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                 RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (c && oph__monitor_init(&c->m)) {
        free(c);
        c = NULL;
    }
    if (c) c->kafka = p->kafka;
    if (c && !oph__thread_start(&thread, close_kafka, c)) {
        wait_closing(c, thread);
    } else { /* without a thread there is no other way */
        rd_kafka_destroy(p->kafka);
        if (c) free_closing(c);
    }
    free(p->topic);
    free(p);
}

#else

int oph__producer_new(const struct oph__producer_setup *setup, struct oph__producer **ret,
                      oph_error *err)
{
    (void)ret;
    return oph__fail_text(err, OPH_EABSENT,
                          "Kafka topic %s at %s: libcophyd-doc was built without librdkafka: "
                          "apt-get install -y librdkafka-dev, and build cophyd again",
                          setup->topic, setup->brokers);
}

/* There is none that the others could be given. */

bool oph__producer_send(struct oph__producer *p, const char *key, const char *bytes, size_t count,
                        double *patience)
{
    (void)p, (void)key, (void)bytes, (void)count, (void)patience;
    return false;
}

bool oph__producer_flush(struct oph__producer *p, double seconds)
{
    (void)p, (void)seconds;
    return false;
}

uint64_t oph__producer_acknowledged(const struct oph__producer *p)
{
    (void)p;
    return 0;
}

int oph__producer_check(struct oph__producer *p, double seconds, char *text, size_t size)
{
    (void)p, (void)seconds, (void)text, (void)size;
    return OPH_EABSENT;
}

int oph__producer_reason(struct oph__producer *p, char *text, size_t size)
{
    (void)p, (void)text, (void)size;
    return OPH_EABSENT;
}

void oph__producer_free(struct oph__producer *p)
{
    (void)p;
}

#endif
