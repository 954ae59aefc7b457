/* The sink that sends runs to Kafka, and keeps those that do not arrive. */
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "doc/kafka_pack.h"
#include "doc/kafka_producer.h"
#include "doc/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHOLE_DAY = 86400 }; /* as long as librdkafka can be asked to wait */

struct oph_document_kafka {
    pid_t owner;
    char *brokers, *topic;
    char *folder; /* NULL: runs are not kept */
    char *where;  /* for errors */
    oph_document_kafka_options options;
    struct oph__vec properties;     /* char *, the last NULL */
    struct oph__producer *producer; /* NULL after a run that did not arrive: the next makes one */

    /* Since it was last certain that all had arrived, or that not all would */
    uint64_t documents;
    uint64_t before;  /* of those that the producer has acknowledged, by then */
    double patience;  /* seconds that the queue may still hold it up */
    bool lost;        /* a document did not get to the brokers, and none after it does */
    oph_error unkept; /* why the file has not all of the run; code 0: it has */
    char *uid, *file; /* of the newest run; file NULL: none is open */
    oph_document_lines *lines;

    oph_error verdict; /* of what came before */
};

/* What is said of it */

static int wrong(const char *wanted, const char *found, oph_error *err)
{
    return oph__fail_text(err, OPH_EINVAL, "a Kafka sink: wanted %s, found %s", wanted, found);
}

/* Where what did not arrive is; who gave no folder knows. */
static void tell_file(const struct oph_document_kafka *k, char *text, size_t size)
{
    if (!k->file)
        oph__copy(text, size, k->folder ? "; there is no file of it" : "");
    else if (k->unkept.code)
        oph__format(text, size, "; its file is not whole either: %s", k->unkept.text);
    else
        oph__format(text, size, "; it is kept in %s, to be replayed", k->file);
}

static int tell_lost(struct oph_document_kafka *k, double waited, oph_error *err)
{
    char wanted[160], reason[280], file[600];
    uint64_t arrived = oph__producer_acknowledged(k->producer) - k->before;
    int code = oph__producer_reason(k->producer, reason, sizeof reason);
    oph__format(wanted, sizeof wanted, "all %llu documents of run %s to arrive",
                (unsigned long long)k->documents, k->uid);
    tell_file(k, file, sizeof file);
    return oph__fail(err, code, (struct oph__at){.device = k->where, .waited = waited}, wanted,
                     "%llu (%s)%s", (unsigned long long)arrived, reason, file);
}

/* One run, or what else there was */

static int make_producer(struct oph_document_kafka *k, oph_error *err)
{
    struct oph__producer_setup setup = {.brokers = k->brokers,
                                        .topic = k->topic,
                                        .properties = (const char *const *)k->properties.at,
                                        .queue_length = k->options.queue_length,
                                        .delivery_timeout = k->options.delivery_timeout};
    return oph__producer_new(&setup, &k->producer, err);
}

static void close_file(struct oph_document_kafka *k, bool remove)
{
    oph_document_lines_free(k->lines);
    if (k->file && remove) unlink(k->file);
    free(k->file);
    k->lines = NULL;
    k->file = NULL;
}

/* What comes now is counted anew. */
static void turn_over(struct oph_document_kafka *k)
{
    k->documents = 0;
    k->before = k->producer ? oph__producer_acknowledged(k->producer) : 0;
    k->patience = k->options.hold_timeout;
    k->lost = false;
    k->unkept = (oph_error)OPH_ERROR_INIT;
}

/* Did all arrive? Where not, nothing of it arrives later: its producer goes. */
static int settle(struct oph_document_kafka *k, double timeout, oph_error *err)
{
    double began = oph__now();
    bool arrived = oph__producer_flush(k->producer, timeout) && !k->lost;
    k->verdict = (oph_error)OPH_ERROR_INIT;
    if (!arrived) {
        tell_lost(k, oph__now() - began, &k->verdict);
        oph__producer_free(k->producer);
        k->producer = NULL;
    }
    close_file(k, arrived);
    turn_over(k);
    if (!arrived && err) *err = k->verdict;
    return k->verdict.code;
}

static int begin(struct oph_document_kafka *k, const json_t *start, oph_error *err)
{
    const char *uid = json_string_value(json_object_get(start, "uid"));
    if (!uid || !*uid || strchr(uid, '/') || uid[0] == '.')
        return wrong("a start document with a uid", uid ? uid : "none", err);
    close_file(k, false); /* of a run that had no end */
    if (k->lost) settle(k, 0, NULL);
    int rc = k->producer ? 0 : make_producer(k, err);
    if (rc) return rc;
    char *copy = oph__dup(uid);
    if (!copy) return oph__fail_memory(err, "a Kafka sink");
    free(k->uid);
    k->uid = copy;
    k->verdict = (oph_error)OPH_ERROR_INIT;
    if (!k->folder) return 0;
    k->file = oph__dupf("%s/%s.jsonl", k->folder, uid);
    if (!k->file) return oph__fail_memory(err, "a Kafka sink");
    rc = oph__document_lines_create(k->file, &k->lines, err);
    if (rc) close_file(k, false);
    return rc;
}

static void keep(struct oph_document_kafka *k, const char *name, const char *json, size_t length)
{
    if (k->lines && !k->unkept.code)
        oph_document_lines_write(k->lines, name, json, length, &k->unkept);
}

static int send(struct oph_document_kafka *k, const char *name, const json_t *document,
                oph_error *err)
{
    struct oph__buf message = {0};
    oph__msgpack_document(&message, name, document);
    int rc = message.failed ? oph__fail_memory(err, "a document") : 0;
    k->lost |= rc != 0; /* the file has it alone */
    if (!rc && !oph__producer_send(k->producer, k->uid, message.text, message.len, &k->patience))
        k->lost = true;
    oph__buf_free(&message);
    return rc;
}

static int take(struct oph_document_kafka *k, const char *name, const json_t *document,
                const char *json, size_t length, oph_error *err)
{
    int rc = oph__equal(name, "start") ? begin(k, document, err) : 0;
    if (rc) return rc;
    if (!k->producer) /* the run has ended, and its error was told */
        return wrong("a start document", name, err);
    k->documents++;
    keep(k, name, json, length);
    if (!k->lost) rc = send(k, name, document, err);
    if (rc) return rc;
    bool kept = k->lines && !k->unkept.code;
    if (k->lost && !kept) return settle(k, 0, err);
    return oph__equal(name, "stop") ? settle(k, k->options.flush_timeout, err) : 0;
}

/* In the child of a fork librdkafka has no threads. */
static int check_owner(const struct oph_document_kafka *k, oph_error *err)
{
    if (k->owner == getpid()) return 0;
    return oph__fail_text(err, OPH_EFORK, "%s: it belongs to the parent process", k->where);
}

int32_t oph_document_kafka_write(void *kafka, const char *name, const char *json, size_t length,
                                 oph_error *err)
{
    struct oph_document_kafka *k = kafka;
    json_error_t why;
    int rc = check_owner(k, err);
    if (rc) return rc;
    json_t *document = json_loadb(json, length, 0, &why);
    if (!document)
        return oph__fail_text(err, OPH_EPARSE, "the document \"%s\": %s", name, why.text);
    rc = take(k, name, document, json, length, err);
    json_decref(document);
    return rc;
}

int oph_document_kafka_flush(oph_document_kafka *k, double timeout, oph_error *err)
{
    int rc = check_owner(k, err);
    if (rc) return rc;
    double seconds = isnan(timeout) ? k->options.flush_timeout : timeout;
    if (k->documents) return settle(k, seconds, err);
    if (k->verdict.code && err) *err = k->verdict;
    return k->verdict.code;
}

int oph_document_kafka_check(oph_document_kafka *k, double timeout, oph_error *err)
{
    char why[400];
    double seconds = isnan(timeout) ? 5 : fmax(0, fmin(timeout, WHOLE_DAY));
    int rc = check_owner(k, err);
    if (!rc && !k->producer) rc = make_producer(k, err);
    if (rc) return rc;
    double began = oph__now();
    rc = oph__producer_check(k->producer, seconds, why, sizeof why);
    if (!rc) return 0;
    return oph__fail(err, rc, (struct oph__at){.device = k->where, .waited = oph__now() - began},
                     "brokers that have the topic", "%s", why);
}

/* The sink */

static int take_options(struct oph_document_kafka *k, const oph_document_kafka_options *opt,
                        oph_error *err)
{
    oph_document_kafka_options *o = &k->options;
    if (opt && (opt->size < sizeof opt->size || opt->size > sizeof *opt))
        return wrong("the size of oph_document_kafka_options", "another", err);
    if (opt) memcpy(o, opt, opt->size);
    if (!(o->hold_timeout >= 0 && o->delivery_timeout >= 0 && o->flush_timeout >= 0))
        return wrong("timeouts of 0 or more", "another", err);
    if (!o->queue_length) o->queue_length = 100000;
    if (o->hold_timeout == 0) o->hold_timeout = 10;
    if (o->flush_timeout == 0) o->flush_timeout = 10;
    const char *const *one = o->properties;
    for (; one && *one; one++) {
        char *copy = oph__dup(*one);
        if (!copy || !oph__vec_add(&k->properties, copy)) {
            free(copy);
            return oph__fail_memory(err, "a Kafka sink");
        }
    }
    o->properties = NULL;
    return oph__vec_add(&k->properties, NULL) ? 0 : oph__fail_memory(err, "a Kafka sink");
}

int oph_document_kafka_open(const char *brokers, const char *topic, const char *folder,
                            const oph_document_kafka_options *opt, oph_document_kafka **ret,
                            oph_error *err)
{
    if (!brokers || !*brokers) return wrong("brokers", "none", err);
    if (!topic || !*topic) return wrong("a topic", "none", err);
    struct oph_document_kafka *k = calloc(1, sizeof *k);
    if (!k) return oph__fail_memory(err, "a Kafka sink");
    k->owner = getpid();
    k->brokers = oph__dup(brokers);
    k->topic = oph__dup(topic);
    k->folder = folder ? oph__dup(folder) : NULL;
    k->where = oph__dupf("Kafka topic %s at %s", topic, brokers);
    k->uid = oph__dup("");
    bool room = k->brokers && k->topic && (k->folder || !folder) && k->where && k->uid;
    int rc = room ? take_options(k, opt, err) : oph__fail_memory(err, "a Kafka sink");
    if (!rc && folder && access(folder, W_OK | X_OK))
        rc = oph__fail_text(err, OPH_EFILE, "%s: keeping runs there: %s", folder, strerror(errno));
    if (!rc) rc = make_producer(k, err);
    if (rc) {
        oph_document_kafka_free(k);
        return rc;
    }
    turn_over(k);
    *ret = k;
    return 0;
}

void oph_document_kafka_free(oph_document_kafka *k)
{
    if (!k) return;
    close_file(k, false);
    if (k->owner == getpid()) oph__producer_free(k->producer);
    for (size_t i = 0; i < k->properties.count; i++)
        free(k->properties.at[i]);
    oph__vec_free(&k->properties);
    free(k->brokers);
    free(k->topic);
    free(k->folder);
    free(k->where);
    free(k->uid);
    free(k);
}
