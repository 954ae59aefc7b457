/* Runs of a detector into Kafka: to their end, ended by SIGTERM, and with the broker away. */
#include "lib/check.h"
#include "lib/detector.h"
#include "lib/kafka.h"

#include <cophyd/documents.h>
#include <epicsUnitTest.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOPIC "bl.bluesky.runengine.documents"

static struct detector d;
static struct kafka kafka;
static char folder[] = "/tmp/cophyd-kafka-XXXXXX";

static oph_document_kafka *open_sink(double flush_timeout)
{
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = NULL;
    oph_document_kafka_options opt = {.size = sizeof opt, .flush_timeout = flush_timeout};
    if (oph_document_kafka_open(kafka.brokers, TOPIC, folder, &opt, &sink, &err))
        testAbort("%s", err.text);
    return sink;
}

/* What a run gives to the sink; SIGTERM comes after event number `last`, if that is not 0. */
struct run {
    oph_document_kafka *sink;
    int events, last;
    char uid[40];
};

static void on_signal(int number)
{
    (void)number;
    oph_interrupt(d.ctx);
}

static int32_t hand_on(void *user, const char *name, const char *json, size_t length,
                       oph_error *err)
{
    struct run *run = user;
    if (!strcmp(name, "start")) sscanf(json, "{\"uid\":\"%36[^\"]", run->uid);
    int32_t rc = oph_document_kafka_write(run->sink, name, json, length, err);
    if (!strcmp(name, "event") && ++run->events == run->last) raise(SIGTERM);
    return rc;
}

static int count(struct run *run, int64_t points, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    signal(SIGTERM, on_signal);
    int rc = oph_count(d.ctx, &d.det, 1, points, hand_on, run, NULL, err);
    signal(SIGTERM, SIG_DFL);
    return rc;
}

/* The consumer reads these documents of the run, and its stop says so. */
static void arrives(const struct run *run, const char *names, const char *status)
{
    char line[16384] = "", found[400] = "", wanted[80], name[20];
    while (strcmp(found, names) != 0 && strlen(found) < strlen(names)) {
        kafka_hear(&kafka, line, sizeof line);
        snprintf(wanted, sizeof wanted, "0 %s [\"", run->uid);
        if (strncmp(line, wanted, strlen(wanted)) != 0) testFail("of another run: %s", line);
        sscanf(line + strlen(wanted), "%19[^\"]", name);
        size_t n = strlen(found);
        snprintf(found + n, sizeof found - n, "%s%s", n ? " " : "", name);
    }
    testOk(!strcmp(found, names), "the consumer reads: %s", names);
    if (strcmp(found, names)) testDiag("it reads: %s", found);
    snprintf(wanted, sizeof wanted, "\"exit_status\":\"%s\"", status);
    testOk(strstr(line, wanted) != NULL, "the stop has %s", wanted);
}

static int has_file(const struct run *run)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.jsonl", folder, run->uid);
    return access(path, F_OK) == 0;
}

/* Sends it, and removes it. */
static void replay(const struct run *run)
{
    char path[128];
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = NULL;
    oph_document_kafka_options opt = {.size = sizeof opt, .flush_timeout = 60};
    snprintf(path, sizeof path, "%s/%s.jsonl", folder, run->uid);
    if (oph_document_kafka_open(kafka.brokers, TOPIC, NULL, &opt, &sink, &err))
        testAbort("%s", err.text);
    int rc = oph_documents_replay(path, oph_document_kafka_write, sink, NULL, NULL, &err);
    check_done(rc, &err, "the file is replayed");
    oph_document_kafka_free(sink);
    unlink(path);
}

static void sends_a_run(void)
{
    oph_error err;
    struct run run = {.sink = open_sink(60)};
    check_done(count(&run, 2, &err), &err, "a run of two points arrives");
    arrives(&run, "start descriptor resource datum event datum event stop", "success");
    testOk(!has_file(&run), "no file stays");
    detector_unchanged(&d, "a run into Kafka");
    oph_document_kafka_free(run.sink);
}

static void sends_a_run_that_sigterm_ends(void)
{
    oph_error err, none = OPH_ERROR_INIT;
    struct run run = {.sink = open_sink(60), .last = 2};
    int rc = count(&run, 1000000, &err);
    testOk(rc == OPH_EINTR, "SIGTERM ends the run: %s", err.text);
    check_done(oph_document_kafka_flush(run.sink, 60, &none), &none, "and all of it arrived");
    arrives(&run, "start descriptor resource datum event datum event stop", "abort");
    testOk(!has_file(&run), "no file stays");
    detector_unchanged(&d, "SIGTERM");
    oph_document_kafka_free(run.sink);
}

/* All points are taken, and the error comes after them. */
static void outlives_a_broken_broker(void)
{
    oph_error err;
    struct run run = {.sink = open_sink(0.1)};
    kafka_tell(&kafka, "down");
    int rc = count(&run, 3, &err);
    testOk(rc == OPH_ETIMEOUT && strstr(err.text, "all 10 documents of run "), "%s", err.text);
    testOk(run.events == 3, "all points were taken");
    testOk(has_file(&run), "the run is kept");
    detector_unchanged(&d, "a run without Kafka");
    oph_document_kafka_free(run.sink);
    kafka_tell(&kafka, "up");
    replay(&run);
    arrives(&run, "start descriptor resource datum event datum event datum event stop", "success");
}

/* Then the run has an error of its own, and Kafka's can be asked for. */
static void tells_both_errors(void)
{
    oph_error err, other = OPH_ERROR_INIT;
    struct run run = {.sink = open_sink(0.1), .last = 1};
    kafka_tell(&kafka, "down");
    testOk1(count(&run, 1000000, &err) == OPH_EINTR);
    int rc = oph_document_kafka_flush(run.sink, OPH_DEFAULT, &other);
    testOk(rc == OPH_ETIMEOUT && strstr(other.text, "all 6 documents of run "), "%s", other.text);
    detector_unchanged(&d, "SIGTERM without Kafka");
    oph_document_kafka_free(run.sink);
    kafka_tell(&kafka, "up");
    replay(&run);
    arrives(&run, "start descriptor resource datum event stop", "abort");
}

int main(void)
{
    testPlan(0);
    if (!mkdtemp(folder)) testAbort("no folder");
    detector_start(&d, (const char *const[]){"--instant", NULL}, NULL);
    kafka_start(&kafka, TOPIC, 1);
    kafka_consume(&kafka, TOPIC, 1);
    sends_a_run();
    sends_a_run_that_sigterm_ends();
    outlives_a_broken_broker();
    tells_both_errors();
    kafka_end(&kafka);
    detector_end(&d);
    testOk(rmdir(folder) == 0, "no file is left");
    return testDone();
}
