#include "lib/kafka.h"

#include "lib/c11_threads.h"
#include <epicsUnitTest.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(struct kafka_peer *peer, const char *name, const char *const *arguments)
{
    const char *all[6] = {name}, *build = getenv("BUILD");
    char path[300];
    int ends[2];
    for (int n = 1; *arguments && n < 5; n++)
        all[n] = *arguments++;
    snprintf(path, sizeof path, "%s/tests/documents/%s", build ? build : "build", name);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) testAbort("no socket");
    fflush(NULL);
    peer->pid = fork();
    if (peer->pid < 0) testAbort("no process");
    if (!peer->pid) {
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execv(path, (char *const *)all);
        _exit(127);
    }
    close(ends[1]);
    peer->line = ends[0];
}

static void hear(struct kafka_peer *peer, char *line, size_t size)
{
    size_t used = 0;
    while (used + 1 < size) {
        struct pollfd fd = {.fd = peer->line, .events = POLLIN};
        if (poll(&fd, 1, 60000) != 1) testAbort("nothing came for a minute");
        if (read(peer->line, &line[used], 1) != 1) testAbort("a program has ended");
        if (line[used] == '\n') break;
        used++;
    }
    line[used] = '\0';
}

static void end(struct kafka_peer *peer)
{
    if (!peer->pid) return;
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
    close(peer->line);
    *peer = (struct kafka_peer){0};
}

void kafka_start(struct kafka *kafka, const char *topic, int partitions)
{
    *kafka = (struct kafka){0};
    c11_threads();
    start(&kafka->broker, "broker", (const char *const[]){NULL});
    hear(&kafka->broker, kafka->brokers, sizeof kafka->brokers);
    kafka_tell(kafka, "topic %s %d", topic, partitions);
}

void kafka_tell(struct kafka *kafka, const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    line[n] = '\n';
    if (send(kafka->broker.line, line, (size_t)n + 1, MSG_NOSIGNAL) != n + 1)
        testAbort("the broker has ended");
    hear(&kafka->broker, line, sizeof line);
    if (strcmp(line, "ok")) testAbort("the broker says: %s", line);
}

void kafka_consume(struct kafka *kafka, const char *topic, int partitions)
{
    char count[16];
    end(&kafka->consumer);
    snprintf(count, sizeof count, "%d", partitions);
    start(&kafka->consumer, "consumer", (const char *const[]){kafka->brokers, topic, count, NULL});
}

void kafka_hear(struct kafka *kafka, char *line, size_t size)
{
    hear(&kafka->consumer, line, size);
}

void kafka_end(struct kafka *kafka)
{
    end(&kafka->consumer);
    end(&kafka->broker);
}
