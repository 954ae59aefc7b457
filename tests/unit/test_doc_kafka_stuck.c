/* A name server that does not answer holds librdkafka's thread, and nobody else. */
#include <cophyd/documents.h>

#include "lib/await.h"
#include "lib/c11_threads.h"
#include "lib/check.h"
#include "lib/process.h"
#include <epicsUnitTest.h>
#include <netdb.h>
#include <semaphore.h>
#include <string.h>

static sem_t asked, answers;

/* Comes before libc's. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    (void)host, (void)service, (void)hints, (void)ret;
    sem_post(&asked);
    while (sem_wait(&answers))
        ;
    sem_post(&answers);
    return EAI_AGAIN;
}

int main(void)
{
    static const char start[] = "{\"uid\":\"a\"}";
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = NULL;
    oph_document_kafka_options opt = {.size = sizeof opt, .flush_timeout = 0.1};
    int count = -1;
    testPlan(6);
    c11_threads();
    sem_init(&asked, 0, 0);
    sem_init(&answers, 0, 0);
    int threads = process_threads();
    int rc = oph_document_kafka_open("silent:9092", "t", NULL, &opt, &sink, &err);
    check_done(rc, &err, "a sink is opened");
    rc = oph_document_kafka_write(sink, "start", start, sizeof start - 1, &err);
    check_done(rc, &err, "a run starts");
    await(&asked, "a question to the name server");
    rc = oph_document_kafka_flush(sink, OPH_DEFAULT, &err);
    testOk(rc == OPH_ETIMEOUT && strstr(err.text, "all 1 documents of run a to arrive"), "%s",
           err.text);
    oph_document_kafka_free(sink);
    sem_getvalue(&answers, &count);
    testOk(count == 0, "all came back without an answer");
    testOk(process_threads() > threads, "the one that waits is left to itself");
    sem_post(&answers);
    testOk(process_calms(threads), "and ends when there is one");
    return testDone();
}
