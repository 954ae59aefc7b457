/* The sink that sends runs to Kafka, against a broker and a consumer in other processes: what
 * arrives, when brokers are away for a while, to the end, or refuse; what is kept then, and sent
 * again. */
#include <cophyd/documents.h>

#include "lib/check.h"
#include "lib/kafka.h"
#include "lib/process.h"
#include "lib/silence.h"
#include <epicsUnitTest.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/cophyd-kafka-XXXXXX";
static struct kafka kafka;
static int topics;
static char topic[32];

/* A topic for each part of the test, with a consumer of its own. */
static void next_topic(int partitions)
{
    snprintf(topic, sizeof topic, "bl%d.documents", ++topics);
    if (topics == 1)
        kafka_start(&kafka, topic, partitions);
    else
        kafka_tell(&kafka, "topic %s %d", topic, partitions);
    kafka_consume(&kafka, topic, partitions);
}

static oph_document_kafka *open_at(const char *brokers, const char *where,
                                   const oph_document_kafka_options *opt)
{
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = NULL;
    if (oph_document_kafka_open(brokers, topic, where, opt, &sink, &err)) testAbort("%s", err.text);
    return sink;
}

/* Waits long for brokers that are there, however slow the machine. */
static oph_document_kafka *open_patient(const char *where)
{
    oph_document_kafka_options opt = {.size = sizeof opt, .flush_timeout = 60};
    return open_at(kafka.brokers, where, &opt);
}

/* Briefly for those that are away. */
static oph_document_kafka *open_brief(const char *brokers)
{
    oph_document_kafka_options opt = {.size = sizeof opt, .flush_timeout = 0.2};
    return open_at(brokers, folder, &opt);
}

static int put(oph_document_kafka *sink, oph_error *err, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int put(oph_document_kafka *sink, oph_error *err, const char *name, const char *format, ...)
{
    char json[4096];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(json, sizeof json, format, args);
    va_end(args);
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_document_kafka_write(sink, name, json, (size_t)n, err);
}

/* The events of a run, of which the first is number `first`. */
static void put_events(oph_document_kafka *sink, int first, int count)
{
    oph_error err;
    int failed = 0;
    for (int i = first; i < first + count; i++)
        failed += put(sink, &err, "event", "{\"seq_num\":%d}", i) != 0;
    testOk(!failed, "events %d to %d are taken", first, first + count - 1);
    if (failed) testDiag("%s", err.text);
}

static void put_start(oph_document_kafka *sink, const char *uid)
{
    oph_error err;
    check_done(put(sink, &err, "start", "{\"uid\":\"%s\"}", uid), &err, "a run starts");
}

static int put_stop(oph_document_kafka *sink, const char *uid, oph_error *err)
{
    return put(sink, err, "stop", "{\"run_start\":\"%s\"}", uid);
}

static void hear(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void hear(const char *format, ...)
{
    char wanted[600], line[600];
    va_list args;
    va_start(args, format);
    vsnprintf(wanted, sizeof wanted, format, args);
    va_end(args);
    kafka_hear(&kafka, line, sizeof line);
    testOk(!strcmp(line, wanted), "the consumer reads: %s", wanted);
    if (strcmp(line, wanted)) testDiag("it reads: %s", line);
}

static void hear_start(const char *uid)
{
    hear("0 %s [\"start\",{\"uid\":\"%s\"}]", uid, uid);
}

static void hear_events(const char *uid, int first, int count)
{
    char wanted[100], line[600];
    int wrong = 0;
    for (int i = first; i < first + count; i++) {
        snprintf(wanted, sizeof wanted, "0 %s [\"event\",{\"seq_num\":%d}]", uid, i);
        kafka_hear(&kafka, line, sizeof line);
        if (strcmp(line, wanted) && !wrong++) testDiag("wanted %s, found %s", wanted, line);
    }
    testOk(!wrong, "the consumer reads events %d to %d, in order, each once", first,
           first + count - 1);
}

static void hear_stop(const char *uid)
{
    hear("0 %s [\"stop\",{\"run_start\":\"%s\"}]", uid, uid);
}

/* Another question to the broker, so that what it acknowledged before is there, too. */
static void settle(oph_document_kafka *sink)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_document_kafka_check(sink, 60, &err), &err, "the broker answers");
}

static const char *file_of(const char *uid)
{
    static char path[100];
    snprintf(path, sizeof path, "%s/%s.jsonl", folder, uid);
    return path;
}

static void is_gone(const char *uid)
{
    testOk(access(file_of(uid), F_OK) != 0, "no file of run %s stays", uid);
}

/* The run's file has all of it. */
static void is_kept(const char *uid, int events)
{
    char wanted[4096], found[4096] = "";
    int n = snprintf(wanted, sizeof wanted, "[\"start\",{\"uid\":\"%s\"}]\n", uid);
    for (int i = 1; i <= events; i++)
        n += snprintf(wanted + n, sizeof wanted - (size_t)n, "[\"event\",{\"seq_num\":%d}]\n", i);
    snprintf(wanted + n, sizeof wanted - (size_t)n, "[\"stop\",{\"run_start\":\"%s\"}]\n", uid);
    FILE *in = fopen(file_of(uid), "r");
    if (in) found[fread(found, 1, sizeof found - 1, in)] = 0;
    if (in) fclose(in);
    testOk(!strcmp(found, wanted), "the file of run %s has all of it", uid);
    if (strcmp(found, wanted)) testDiag("it has %s", found);
}

static void refused(int rc, const oph_error *err, int code, const char *wanted, const char *found)
{
    char where[128];
    snprintf(where, sizeof where, "Kafka topic %s at ", topic);
    int ok = rc == code && err->code == code && !strncmp(err->device, where, strlen(where)) &&
             strstr(err->wanted, wanted) && strstr(err->found, found) && strstr(err->text, found);
    testOk(ok, "%s: %s", oph_code_name(rc), err->text);
    if (!ok) testDiag("expected %s, wanted %s, found %s", oph_code_name(code), wanted, found);
}

/* A run that arrives, from its start to its stop. */
static void run_arrives(oph_document_kafka *sink, const char *uid)
{
    oph_error err;
    put_start(sink, uid);
    put_events(sink, 1, 2);
    check_done(put_stop(sink, uid, &err), &err, "all of the run was acknowledged");
    is_gone(uid);
    hear_start(uid);
    hear_events(uid, 1, 2);
    hear_stop(uid);
}

static void sends_runs(void)
{
    oph_error err = OPH_ERROR_INIT;
    next_topic(1);
    oph_document_kafka *sink = open_patient(folder);
    check_done(oph_document_kafka_check(sink, 60, &err), &err, "the broker has the topic");
    run_arrives(sink, "a");
    run_arrives(sink, "b");
    testOk1(oph_document_kafka_flush(sink, OPH_DEFAULT, &err) == 0);
    oph_document_kafka_free(sink);
    oph_document_kafka_free(NULL);
}

/* All values that documents have; all of a run in one partition of several. */
static void sends_all_values(void)
{
    static const char json[] = "{\"a\":[1,-1,300,-300,70000,5000000000,0.5,true,false,null],"
                               "\"\xc3\xa4\":{\"b\":\"\xe2\x82\xac\",\"c\":{},\"d\":[]}}";
    oph_error err;
    char line[600];
    int partition = -1, other = -2;
    next_topic(4);
    oph_document_kafka *sink = open_patient(folder);
    put_start(sink, "many");
    check_done(put(sink, &err, "descriptor", "%s", json), &err, "a descriptor is taken");
    put_events(sink, 1, 20);
    check_done(put_stop(sink, "many", &err), &err, "all of the run was acknowledged");
    kafka_hear(&kafka, line, sizeof line);
    testOk(sscanf(line, "%d many [\"start\",", &partition) == 1, "%s", line);
    hear("%d many [\"descriptor\",%s]", partition, json);
    for (int i = 1; i <= 20; i++) {
        int number = 0;
        kafka_hear(&kafka, line, sizeof line);
        if (sscanf(line, "%d many [\"event\",{\"seq_num\":%d}]", &other, &number) != 2 ||
            other != partition || number != i)
            testFail("event %d: %s", i, line);
    }
    hear("%d many [\"stop\",{\"run_start\":\"many\"}]", partition);
    oph_document_kafka_free(sink);
}

static void outlives_an_outage(void)
{
    oph_error err;
    next_topic(1);
    oph_document_kafka *sink = open_patient(folder);
    put_start(sink, "a");
    put_events(sink, 1, 3);
    hear_start("a");
    hear_events("a", 1, 3);
    settle(sink);
    kafka_tell(&kafka, "down");
    put_events(sink, 4, 50);
    kafka_tell(&kafka, "up");
    put_events(sink, 54, 3);
    check_done(put_stop(sink, "a", &err), &err, "all of the run was acknowledged");
    is_gone("a");
    hear_events("a", 4, 53);
    hear_stop("a");
    oph_document_kafka_free(sink);
}

/* The broker comes back when the stop document waits already. */
static void *come_back(void *arg)
{
    (void)arg;
    kafka_tell(&kafka, "up");
    return NULL;
}

static void waits_at_the_stop(void)
{
    oph_error err;
    pthread_t thread;
    next_topic(1);
    oph_document_kafka *sink = open_patient(folder);
    kafka_tell(&kafka, "down");
    put_start(sink, "a");
    put_events(sink, 1, 3);
    if (pthread_create(&thread, NULL, come_back, NULL)) testAbort("no thread");
    check_done(put_stop(sink, "a", &err), &err, "all of the run was acknowledged");
    pthread_join(thread, NULL);
    hear_start("a");
    hear_events("a", 1, 3);
    hear_stop("a");
    oph_document_kafka_free(sink);
}

static void replay(const char *uid)
{
    oph_error err = OPH_ERROR_INIT;
    oph_replayed done = {0};
    oph_document_kafka *sink = open_patient(NULL);
    int rc = oph_documents_replay(file_of(uid), oph_document_kafka_write, sink, &done, NULL, &err);
    check_done(rc, &err, "the file is sent again");
    testOk(done.runs == 1 && done.complete == 1, "it has one run");
    oph_document_kafka_free(sink);
}

static void keeps_what_does_not_arrive(void)
{
    oph_error err, again = OPH_ERROR_INIT;
    char wanted[128];
    next_topic(1);
    oph_document_kafka *sink = open_brief(kafka.brokers);
    put_start(sink, "a");
    put_events(sink, 1, 2);
    hear_start("a");
    hear_events("a", 1, 2);
    settle(sink);
    kafka_tell(&kafka, "down");
    put_events(sink, 3, 7);
    int rc = put_stop(sink, "a", &err);
    refused(rc, &err, OPH_ETIMEOUT, "all 11 documents of run a to arrive", "; it is kept in ");
    testOk(!strncmp(err.found, "3 (", 3), "3 have arrived: %s", err.found);
    testOk(strstr(err.found, file_of("a")) != NULL, "the file is named");
    rc = oph_document_kafka_flush(sink, OPH_DEFAULT, &again);
    testOk(rc == OPH_ETIMEOUT && !strcmp(again.text, err.text), "the verdict can be asked for");
    is_kept("a", 9);
    put_start(sink, "b"); /* another run, while it is still away */
    put_events(sink, 1, 1);
    rc = put_stop(sink, "b", &err);
    snprintf(wanted, sizeof wanted, "; it is kept in %s", file_of("b"));
    refused(rc, &err, OPH_ETIMEOUT, "all 3 documents of run b to arrive", wanted);
    is_kept("b", 1);
    oph_document_kafka_free(sink);
    kafka_tell(&kafka, "up");
    replay("a"); /* what had arrived comes twice, known by its uids */
    hear_start("a");
    hear_events("a", 1, 9);
    hear_stop("a");
    replay("b");
    hear_start("b");
    hear_events("b", 1, 1);
    hear_stop("b");
    unlink(file_of("a"));
    unlink(file_of("b"));
}

/* One sink, with runs that do not arrive between those that do. */
static void recovers(void)
{
    oph_error err;
    oph_document_kafka_options opt = {.size = sizeof opt, .queue_length = 2, .hold_timeout = 0.05};
    next_topic(1);
    opt.flush_timeout = 60; /* a full queue decides here, and not the time */
    oph_document_kafka *sink = open_at(kafka.brokers, folder, &opt);
    put_start(sink, "none");
    check_done(put_stop(sink, "none", &err), &err, "a short run arrives");
    hear_start("none");
    hear_stop("none");
    kafka_tell(&kafka, "down");
    put_start(sink, "lost");
    put_events(sink, 1, 2);
    refused(put_stop(sink, "lost", &err), &err, OPH_ETIMEOUT, "all 4 documents",
            "(Local: Queue full");
    kafka_tell(&kafka, "up");
    put_start(sink, "a");
    check_done(put_stop(sink, "a", &err), &err, "the next run arrives");
    hear_start("a");
    hear_stop("a");
    is_kept("lost", 2);
    unlink(file_of("lost"));
    oph_document_kafka_free(sink);
}

static void tells_of_brokers_never_there(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = open_brief("127.0.0.1:1");
    int rc = oph_document_kafka_check(sink, 1, &err);
    refused(rc, &err, OPH_ETIMEOUT, "brokers that have the topic", "Connection refused");
    put_start(sink, "a");
    rc = put_stop(sink, "a", &err);
    refused(rc, &err, OPH_ETIMEOUT, "all 2 documents of run a to arrive", "Connection refused");
    testOk(!strncmp(err.found, "0 (", 3), "none has arrived: %s", err.found);
    is_kept("a", 0);
    unlink(file_of("a"));
    oph_document_kafka_free(sink);
}

static void tells_of_refused_topics(void)
{
    oph_error err = OPH_ERROR_INIT;
    next_topic(1);
    kafka_tell(&kafka, "deny %s %d", topic, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    oph_document_kafka *sink = open_patient(folder);
    int rc = oph_document_kafka_check(sink, 60, &err);
    refused(rc, &err, OPH_EFILE, "brokers that have the topic", "Topic authorization failed");
    oph_document_kafka_free(sink);
    sink = open_brief(kafka.brokers);
    put_start(sink, "a");
    rc = put_stop(sink, "a", &err);
    refused(rc, &err, OPH_EFILE, "all 2 documents of run a", "0 (Broker: Topic authorization");
    is_kept("a", 0);
    unlink(file_of("a"));
    oph_document_kafka_free(sink);
    next_topic(1);
    kafka_tell(&kafka, "deny %s %d", topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    sink = open_brief(kafka.brokers);
    put_start(sink, "b");
    rc = put_stop(sink, "b", &err);
    refused(rc, &err, OPH_EFILE, "all 2 documents of run b", "0 (Broker: Unknown topic");
    is_kept("b", 0);
    unlink(file_of("b"));
    oph_document_kafka_free(sink);
}

/* The run goes on, and the file has all. */
static void outlives_a_full_queue(void)
{
    oph_error err;
    oph_document_kafka_options opt = {.size = sizeof opt, .queue_length = 3, .hold_timeout = 0.05};
    next_topic(1);
    kafka_tell(&kafka, "down");
    oph_document_kafka *sink = open_at(kafka.brokers, folder, &opt);
    put_start(sink, "a");
    put_events(sink, 1, 30);
    int rc = put_stop(sink, "a", &err);
    refused(rc, &err, OPH_ETIMEOUT, "all 32 documents of run a", "0 (Local: Queue full; ");
    is_kept("a", 30);
    oph_document_kafka_free(sink);
    sink = open_at(kafka.brokers, NULL, &opt); /* nobody has the fourth then */
    put_start(sink, "b");
    put_events(sink, 1, 2);
    rc = put(sink, &err, "event", "{}");
    refused(rc, &err, OPH_ETIMEOUT, "all 4 documents of run b", "0 (Local: Queue full; ");
    testOk(!strstr(err.text, "file"), "nothing is said of a file that was not asked for");
    oph_document_kafka_free(sink);
    unlink(file_of("a"));
    kafka_tell(&kafka, "up");
}

/* A queue that is full waits for brokers that are only slow. */
static void waits_for_room(void)
{
    oph_error err;
    oph_document_kafka_options opt = {.size = sizeof opt, .queue_length = 1, .hold_timeout = 60};
    opt.flush_timeout = 60;
    next_topic(1);
    oph_document_kafka *sink = open_at(kafka.brokers, folder, &opt);
    put_start(sink, "a");
    put_events(sink, 1, 100);
    check_done(put_stop(sink, "a", &err), &err, "all of the run was acknowledged");
    hear_start("a");
    hear_events("a", 1, 100);
    hear_stop("a");
    oph_document_kafka_free(sink);
}

/* From there on nothing is sent, also what would fit. */
static void loses_large_documents(void)
{
    static const char *const properties[] = {"message.max.bytes=1000", NULL};
    oph_error err;
    oph_document_kafka_options opt = {.size = sizeof opt, .properties = properties};
    next_topic(1);
    opt.flush_timeout = 60;
    oph_document_kafka *sink = open_at(kafka.brokers, folder, &opt);
    put_start(sink, "a");
    put_events(sink, 1, 2);
    check_done(put(sink, &err, "event", "{\"x\":\"%2000s\"}", ""), &err, "the run goes on");
    put_events(sink, 4, 1);
    hear_start("a");
    hear_events("a", 1, 2);
    int rc = put_stop(sink, "a", &err);
    refused(rc, &err, OPH_EFILE, "all 6 documents of run a", "(Broker: Message size too large)");
    run_arrives(sink, "b"); /* the consumer's next line is of this one */
    unlink(file_of("a"));
    oph_document_kafka_free(sink);
}

/* The broker's word is final; and the producer that it ended is replaced. (That what is behind in
 * the queue does not overtake is the broker's to see to, by numbers that this one does not check.)
 */
static void tells_of_refused_documents(void)
{
    oph_error err;
    char line[600] = "";
    next_topic(1);
    oph_document_kafka *sink = open_patient(folder);
    put_start(sink, "a");
    hear_start("a");
    kafka_tell(&kafka, "refuse %d", RD_KAFKA_RESP_ERR_INVALID_RECORD);
    put_events(sink, 1, 5);
    int rc = put_stop(sink, "a", &err);
    refused(rc, &err, OPH_EFILE, "all 7 documents of run a", "failed to validate record");
    is_kept("a", 5);
    put_start(sink, "b");
    check_done(put_stop(sink, "b", &err), &err, "the next run arrives");
    while (!strstr(line, " b ")) {
        kafka_hear(&kafka, line, sizeof line);
        if (strstr(line, "\"seq_num\":1")) testFail("a refused document arrived");
    }
    testOk(strstr(line, "[\"start\"") != NULL, "the consumer reads %s", line);
    hear_stop("b");
    unlink(file_of("a"));
    oph_document_kafka_free(sink);
}

/* A full disk does not matter while brokers take the run; and ends it when they do not. */
static void outlives_a_full_disk(void)
{
    oph_error err;
    struct rlimit was, limit;
    oph_document_kafka_options opt = {.size = sizeof opt, .queue_length = 3, .hold_timeout = 0.05};
    next_topic(1);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    limit = was;
    limit.rlim_cur = 64;
    oph_document_kafka *sink = open_patient(folder);
    setrlimit(RLIMIT_FSIZE, &limit);
    run_arrives(sink, "a");
    setrlimit(RLIMIT_FSIZE, &was);
    oph_document_kafka_free(sink);
    sink = open_at(kafka.brokers, folder, &opt);
    kafka_tell(&kafka, "down");
    setrlimit(RLIMIT_FSIZE, &limit);
    put_start(sink, "b");
    put_events(sink, 1, 2);
    int rc = put(sink, &err, "event", "{}");
    setrlimit(RLIMIT_FSIZE, &was);
    refused(rc, &err, OPH_ETIMEOUT, "all 4 documents of run b", "its file is not whole either: ");
    testOk(strstr(err.text, "File too large") != NULL, "with the reason");
    unlink(file_of("b"));
    oph_document_kafka_free(sink);
    kafka_tell(&kafka, "up");
}

/* Documents that no stop document came after. */
static void flushes(void)
{
    oph_error err;
    next_topic(1);
    oph_document_kafka *sink = open_patient(folder);
    put_start(sink, "a");
    put_events(sink, 1, 2);
    check_done(oph_document_kafka_flush(sink, 60, &err), &err, "what there is arrives");
    is_gone("a");
    hear_start("a");
    hear_events("a", 1, 2);
    kafka_tell(&kafka, "down");
    put_start(sink, "b");
    int rc = oph_document_kafka_flush(sink, 0, &err);
    refused(rc, &err, OPH_ETIMEOUT, "all 1 documents of run b to arrive", "it is kept in");
    put_start(sink, "c"); /* a run without an end, and one after it */
    put_start(sink, "d");
    rc = oph_document_kafka_flush(sink, 0, &err);
    refused(rc, &err, OPH_ETIMEOUT, "all 2 documents of run d to arrive", "it is kept in");
    testOk(access(file_of("c"), F_OK) == 0, "the run without an end keeps its file");
    put_start(sink, "e");
    oph_document_kafka_free(sink);
    testOk(access(file_of("e"), F_OK) == 0, "so does one that is dropped");
    for (const char *uid = "bcde"; *uid; uid++)
        unlink(file_of((char[]){*uid, 0}));
    kafka_tell(&kafka, "up");
}

static void belongs_to_its_process(void)
{
    oph_error err;
    next_topic(1);
    oph_document_kafka *sink = open_patient(folder);
    put_start(sink, "a");
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        int rc = put(sink, &err, "event", "{}");
        int other = oph_document_kafka_flush(sink, OPH_DEFAULT, NULL);
        oph_document_kafka_free(sink);
        _exit(rc == OPH_EFORK && other == OPH_EFORK && strstr(err.text, "parent process") ? 7 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    testOk(WIFEXITED(status) && WEXITSTATUS(status) == 7,
           "a child gets OPH_EFORK, and can free it");
    check_done(put_stop(sink, "a", &err), &err, "the parent's goes on");
    hear_start("a");
    hear_stop("a");
    oph_document_kafka_free(sink);
}

int main(void)
{
    struct silence silence;
    testPlan(0);
    if (!mkdtemp(folder)) testAbort("no folder");
    silence_begin(&silence); /* librdkafka would print there */
    int threads = process_threads();
    sends_runs();
    testOk(process_calms(threads), "all threads have ended");
    sends_all_values();
    outlives_an_outage();
    waits_at_the_stop();
    keeps_what_does_not_arrive();
    recovers();
    tells_of_brokers_never_there();
    tells_of_refused_topics();
    outlives_a_full_queue();
    waits_for_room();
    loses_large_documents();
    tells_of_refused_documents();
    outlives_a_full_disk();
    flushes();
    belongs_to_its_process();
    testOk(process_calms(threads), "all threads have ended");
    silence_end(&silence);
    kafka_end(&kafka);
    testOk(rmdir(folder) == 0, "no file is left");
    return testDone();
}
