#include "lib/count.h"

#include <dlfcn.h>
#include <epicsUnitTest.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_long sends, sent_bytes, echoes, datagrams, receives, reads, writes, polls;

/* The definition that `name` here hides: libc's, or a sanitizer's. */
static void find(const char *name, void *real, size_t size)
{
    void *symbol = dlsym(RTLD_NEXT, name);

    if (!symbol) abort();
    memcpy(real, &symbol, size);
}

#define COUNTED(counter, type, name, parameters, ...)                                              \
    type name parameters                                                                           \
    {                                                                                              \
        type(*real) parameters;                                                                    \
        find(#name, &real, sizeof real);                                                           \
        atomic_fetch_add(&(counter), 1);                                                           \
        return real(__VA_ARGS__);                                                                  \
    }

/* What libca sends by itself: CA_PROTO_ECHO when an IOC's beacons come irregularly; EVENTS_OFF and
 * EVENTS_ON when its receiving thread falls behind for a while. */
static bool is_echo(const unsigned char *data, size_t size)
{
    return size == 16 && data[0] == 0 && (data[1] == 23 || data[1] == 8 || data[1] == 9);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    ssize_t (*real)(int, const void *, size_t, int);

    find("send", &real, sizeof real);
    ssize_t sent = real(fd, data, size, flags);
    if (is_echo(data, size)) {
        atomic_fetch_add(&echoes, 1);
    } else {
        atomic_fetch_add(&sends, 1);
        if (sent > 0) atomic_fetch_add(&sent_bytes, sent);
    }
    return sent;
}

/* The types of socket addresses are those of glibc's header. */
COUNTED(datagrams, ssize_t, sendto,
        (int fd, const void *data, size_t size, int flags, __CONST_SOCKADDR_ARG address,
         socklen_t length),
        fd, data, size, flags, address, length)
COUNTED(sends, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message,
        flags)
COUNTED(receives, ssize_t, recv, (int fd, void *data, size_t size, int flags), fd, data, size,
        flags)
COUNTED(receives, ssize_t, recvfrom,
        (int fd, void *data, size_t size, int flags, __SOCKADDR_ARG address, socklen_t *length), fd,
        data, size, flags, address, length)
COUNTED(receives, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), fd, message, flags)
COUNTED(reads, ssize_t, read, (int fd, void *data, size_t size), fd, data, size)
COUNTED(reads, int, eventfd_read, (int fd, eventfd_t *value), fd, value)
COUNTED(writes, ssize_t, write, (int fd, const void *data, size_t size), fd, data, size)
COUNTED(writes, int, eventfd_write, (int fd, eventfd_t value), fd, value)
COUNTED(polls, int, poll, (struct pollfd * fds, nfds_t count, int timeout), fds, count, timeout)

struct counts count_now(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (struct counts){.sends = atomic_load(&sends),
                           .sent_bytes = atomic_load(&sent_bytes),
                           .echoes = atomic_load(&echoes),
                           .datagrams = atomic_load(&datagrams),
                           .receives = atomic_load(&receives),
                           .reads = atomic_load(&reads),
                           .writes = atomic_load(&writes),
                           .polls = atomic_load(&polls),
                           .switches = usage.ru_nvcsw};
}

struct counts count_since(const struct counts *then)
{
    struct counts now = count_now();

    return (struct counts){.sends = now.sends - then->sends,
                           .sent_bytes = now.sent_bytes - then->sent_bytes,
                           .echoes = now.echoes - then->echoes,
                           .datagrams = now.datagrams - then->datagrams,
                           .receives = now.receives - then->receives,
                           .reads = now.reads - then->reads,
                           .writes = now.writes - then->writes,
                           .polls = now.polls - then->polls,
                           .switches = now.switches - then->switches};
}

void count_tell(const char *what, const struct counts *c)
{
    testDiag("%s: %ld sends of %ld bytes, %ld echoes, %ld datagrams, %ld receives, %ld reads, "
             "%ld writes, %ld polls, %ld switches",
             what, c->sends, c->sent_bytes, c->echoes, c->datagrams, c->receives, c->reads,
             c->writes, c->polls, c->switches);
}

int count_is_quiet(const struct counts *counts)
{
    if (counts->sends) count_tell("sent", counts);
    return !counts->sends;
}
