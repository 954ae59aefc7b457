/* The sink of JSON lines: what it writes, and where it cannot. */
#include "doc/lines.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[] = "/tmp/cophyd-lines-XXXXXX";
static char path[64];

static int write_one(oph_document_lines *lines, const char *name, const char *json, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_document_lines_write(lines, name, json, strlen(json), err);
}

static const char *contents(void)
{
    static char text[4096];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n < 0 ? 0 : n] = 0;
    return text;
}

static void file_has(const char *wanted)
{
    testOk(!strcmp(contents(), wanted), "the file has %zu bytes, as it should", strlen(wanted));
    if (strcmp(contents(), wanted)) testDiag("found: %s", contents());
}

static oph_document_lines *lines_of(int fd)
{
    oph_document_lines *lines = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_document_lines_new(fd, &lines, &err)) testAbort("%s", err.text);
    return lines;
}

static void refused(int rc, const oph_error *err, int code, const char *what)
{
    testOk(rc == code && err->code == code && strstr(err->text, what), "%s: %s",
           oph_code_name(code), err->text);
}

static void writes_files(void)
{
    oph_document_lines *lines = NULL;
    oph_error err = OPH_ERROR_INIT;
    for (int i = 0; i < 2; i++) {
        testOk1(oph_document_lines_open(path, &lines, &err) == 0);
        testOk1(write_one(lines, "start", "{\"uid\":\"\xc3\xa4\"}", &err) == 0);
        testOk1(write_one(lines, "stop", "{}", &err) == 0);
        file_has(i ? "[\"start\",{\"uid\":\"\xc3\xa4\"}]\n[\"stop\",{}]\n"
                     "[\"start\",{\"uid\":\"\xc3\xa4\"}]\n[\"stop\",{}]\n"
                   : "[\"start\",{\"uid\":\"\xc3\xa4\"}]\n[\"stop\",{}]\n");
        oph_document_lines_free(lines);
    }
    unlink(path);
    int rc = oph_document_lines_open("/nowhere/run.jsonl", &lines, &err);
    refused(rc, &err, OPH_EFILE, "/nowhere/run.jsonl: opening it");
    rc = oph_document_lines_new(-1, &lines, &err);
    refused(rc, &err, OPH_EFILE, "descriptor -1");
    oph_document_lines_free(NULL);
}

/* A killed program left the beginning of a line: what comes after it is not lost with it. */
static void goes_on_after_a_torn_line(void)
{
    oph_document_lines *lines = NULL;
    oph_error err = OPH_ERROR_INIT;
    FILE *torn = fopen(path, "w");
    if (!torn || fputs("[\"start\",{}]\n[\"eve", torn) < 0 || fclose(torn)) testAbort("no file");
    testOk1(oph_document_lines_open(path, &lines, &err) == 0);
    testOk1(write_one(lines, "start", "{}", &err) == 0);
    testOk1(write_one(lines, "stop", "{}", &err) == 0);
    oph_document_lines_free(lines);
    file_has("[\"start\",{}]\n[\"eve\n[\"start\",{}]\n[\"stop\",{}]\n");
    unlink(path);
}

/* It is still there after a document that did not fit. */
static void stays_torn(void)
{
    oph_document_lines *lines = NULL;
    oph_error err = OPH_ERROR_INIT;
    struct rlimit was, limit;
    FILE *torn = fopen(path, "w");
    if (!torn || fputs("[\"eve", torn) < 0 || fclose(torn)) testAbort("no file");
    testOk1(oph_document_lines_open(path, &lines, &err) == 0);
    getrlimit(RLIMIT_FSIZE, &was);
    limit = was;
    signal(SIGXFSZ, SIG_IGN);
    for (limit.rlim_cur = 5; limit.rlim_cur < 9; limit.rlim_cur += 3) { /* none of it, and some */
        setrlimit(RLIMIT_FSIZE, &limit);
        int rc = write_one(lines, "start", "{}", &err);
        setrlimit(RLIMIT_FSIZE, &was);
        refused(rc, &err, OPH_EFILE, "File too large");
    }
    testOk1(write_one(lines, "start", "{}", &err) == 0);
    oph_document_lines_free(lines);
    file_has("[\"eve\n[\"start\",{}]\n");
    unlink(path);
}

static void keeps_descriptors(void)
{
    oph_error err = OPH_ERROR_INIT;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    oph_document_lines *lines = lines_of(fd);
    testOk1(write_one(lines, "start", "{}", &err) == 0);
    oph_document_lines_free(lines);
    testOk(write(fd, "mine\n", 5) == 5, "a descriptor stays its owner's");
    file_has("[\"start\",{}]\nmine\n");
    close(fd);
}

/* Of a document that does not fit nothing stays, and a smaller one may fit then. */
static void takes_back(int flags)
{
    char json[200];
    oph_error err = OPH_ERROR_INIT;
    struct rlimit was, limit;
    oph_document_lines *lines = NULL;
    getrlimit(RLIMIT_FSIZE, &was);
    limit = was;
    limit.rlim_cur = 64;
    signal(SIGXFSZ, SIG_IGN);
    memset(json, ' ', sizeof json);
    memcpy(json, "{", 1);
    memcpy(json + 150, "}", 2);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | flags, 0666);
    lines = lines_of(fd);
    setrlimit(RLIMIT_FSIZE, &limit);
    int first = write_one(lines, "start", "{}", &err);
    int rc = write_one(lines, "event", json, &err);
    oph_error late = OPH_ERROR_INIT;
    int last = write_one(lines, "stop", "{}", &late);
    setrlimit(RLIMIT_FSIZE, &was);
    testOk(!first && !last, "small documents fit");
    refused(rc, &err, OPH_EFILE, "writing the document \"event\": File too large");
    file_has("[\"start\",{}]\n[\"stop\",{}]\n");
    oph_document_lines_free(lines);
    close(fd);
}

static void tells_of_full_disks(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_document_lines *lines = NULL;
    testOk1(oph_document_lines_open("/dev/full", &lines, &err) == 0);
    int rc = write_one(lines, "start", "{}", &err);
    refused(rc, &err, OPH_EFILE,
            "/dev/full: writing the document \"start\": No space left on device");
    oph_document_lines_free(lines);
}

/* SIGPIPE would end this program. */
static void tells_of_closed(const char *what, int fd)
{
    sigset_t pending;
    oph_error err = OPH_ERROR_INIT;
    oph_document_lines *lines = lines_of(fd);
    int rc = write_one(lines, "event", "{}", &err);
    refused(rc, &err, OPH_EFILE, "Broken pipe");
    sigpending(&pending);
    testOk(!sigismember(&pending, SIGPIPE), "%s: no SIGPIPE is left", what);
    oph_document_lines_free(lines);
    close(fd);
}

static void survives_closed_readers(void)
{
    int ends[2];
    if (pipe(ends)) testAbort("no pipe");
    close(ends[0]);
    tells_of_closed("a pipe", ends[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) testAbort("no socket");
    close(ends[0]);
    tells_of_closed("a socket", ends[1]);
}

/* A SIGPIPE that was there before is the program's own. */
static void leaves_a_pending_signal(void)
{
    sigset_t pipe_set, was, pending;
    int ends[2], got = 0;
    oph_error err = OPH_ERROR_INIT;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &was);
    pthread_kill(pthread_self(), SIGPIPE);
    if (pipe(ends)) testAbort("no pipe");
    close(ends[0]);
    oph_document_lines *lines = lines_of(ends[1]);
    testOk1(write_one(lines, "event", "{}", &err) == OPH_EFILE);
    sigpending(&pending);
    testOk(sigismember(&pending, SIGPIPE), "a SIGPIPE that was pending is still there");
    sigwait(&pipe_set, &got);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    oph_document_lines_free(lines);
    close(ends[1]);
}

static ssize_t recv_some(int fd)
{
    char buffer[4096];
    return read(fd, buffer, sizeof buffer);
}

static int has_room(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    return poll(&ready, 1, 0) == 1;
}

/* What is left to be read, until its writer has closed it. */
static void ends_with(int fd, const char *wanted)
{
    char last[256] = "";
    size_t n = 0, length = strlen(wanted);
    while (read(fd, last + n, 1) == 1)
        if (++n == sizeof last) memmove(last, last + 1, --n);
    testOk(n >= length && !memcmp(last + n - length, wanted, length), "a new line was begun");
}

static void gives_up_on_who_reads_nothing(int fd, int other)
{
    oph_error err = OPH_ERROR_INIT;
    oph_document_lines *lines = lines_of(fd);
    char *json = calloc(1, 4u << 20);
    if (!json) testAbort("no memory");
    memset(json, ' ', (4u << 20) - 1);
    oph__document_lines_patience(lines, 0.1);
    int rc = write_one(lines, "event", json, &err);
    refused(rc, &err, OPH_ETIMEOUT, "nobody took anything from it for 0.1 s");
    while (recv_some(other) > 0 && !has_room(fd))
        ;
    testOk1(write_one(lines, "stop", "{}", &err) == 0);
    oph_document_lines_free(lines);
    free(json);
    close(fd);
    ends_with(other, "\n[\"stop\",{}]\n");
    close(other);
}

struct reader {
    int fd;
    size_t bytes;
    char last;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    char buffer[1000];
    ssize_t n;
    while ((n = read(r->fd, buffer, sizeof buffer)) > 0) {
        r->bytes += (size_t)n;
        r->last = buffer[n - 1];
    }
    return NULL;
}

/* Larger than a pipe, to a reader that takes little at a time. */
static void writes_large_documents(int fd, int other)
{
    oph_error err = OPH_ERROR_INIT;
    enum { BYTES = 1 << 20 };
    struct reader r = {.fd = other};
    pthread_t thread;
    oph_document_lines *lines = lines_of(fd);
    char *json = calloc(1, BYTES + 1);
    if (!json || pthread_create(&thread, NULL, read_all, &r)) testAbort("no thread");
    memset(json, ' ', BYTES);
    testOk1(write_one(lines, "event", json, &err) == 0);
    oph_document_lines_free(lines);
    close(fd);
    pthread_join(thread, NULL);
    testOk(r.bytes == BYTES + strlen("[\"event\",]\n") && r.last == '\n', "all of it came");
    free(json);
    close(other);
}

int main(void)
{
    int ends[2];
    testPlan(0);
    if (!mkdtemp(folder)) testAbort("no folder");
    snprintf(path, sizeof path, "%s/run.jsonl", folder);
    writes_files();
    goes_on_after_a_torn_line();
    stays_torn();
    keeps_descriptors();
    takes_back(0);
    takes_back(O_APPEND);
    tells_of_full_disks();
    survives_closed_readers();
    leaves_a_pending_signal();
    if (pipe(ends)) testAbort("no pipe");
    gives_up_on_who_reads_nothing(ends[1], ends[0]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) testAbort("no socket");
    gives_up_on_who_reads_nothing(ends[1], ends[0]);
    if (pipe(ends)) testAbort("no pipe");
    writes_large_documents(ends[1], ends[0]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) testAbort("no socket");
    writes_large_documents(ends[1], ends[0]);
    unlink(path);
    rmdir(folder);
    return testDone();
}
