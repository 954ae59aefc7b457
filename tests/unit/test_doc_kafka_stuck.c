/* A name server that does not answer holds librdkafka's thread, and nobody else. */
#include <cophyd/documents.h>

#include "lib/await.h"
#include "lib/c11_threads.h"
#include "lib/check.h"
#include "lib/process.h"
#include <dlfcn.h>
#include <epicsUnitTest.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>
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

/* The library stays for a thread that is left to itself, though the program closes it. */
static void is_closed(int threads)
{
    static const char start[] = "{\"uid\":\"b\"}";
    const char *build = getenv("BUILD");
    char path[512];
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = NULL;
    snprintf(path, sizeof path, "%s/lib/libcophyd-doc.so", build ? build : "build");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) testAbort("%s", dlerror());
    __typeof__(&oph_document_kafka_open) open;
    __typeof__(&oph_document_kafka_write) write;
    __typeof__(&oph_document_kafka_free) end;
    *(void **)&open = dlsym(library, "oph_document_kafka_open");
    *(void **)&write = dlsym(library, "oph_document_kafka_write");
    *(void **)&end = dlsym(library, "oph_document_kafka_free");
    int rc = open("silent:9092", "t", NULL, NULL, &sink, &err);
    if (!rc) rc = write(sink, "start", start, sizeof start - 1, &err);
    check_done(rc, &err, "a run of the shared library starts");
    await(&asked, "a question to the name server");
    end(sink);
    testOk1(dlclose(library) == 0);
    sem_post(&answers);
    testOk(process_calms(threads), "the thread of a library that was closed ends, too");
}

int main(void)
{
    static const char start[] = "{\"uid\":\"a\"}";
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = NULL;
    oph_document_kafka_options opt = {.size = sizeof opt, .flush_timeout = 0.1};
    int count = -1;
    testPlan(9);
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
    while (sem_trywait(&answers) == 0 || sem_trywait(&asked) == 0)
        ;
    is_closed(threads);
    return testDone();
}
