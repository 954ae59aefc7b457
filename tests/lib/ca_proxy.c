#include "lib/ca_proxy.h"

#include <arpa/inet.h>
#include <caerr.h>
#include <epicsUnitTest.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CIRCUITS = 16, BYTES = 1 << 16, HEADER = 16, PROPERTIES = 8 };
enum { EVENT_ADD = 1, SEARCH = 6, ERROR = 11, CREATE = 18 }; /* of the protocol's commands */
enum { CLIENT, SERVER, SIDES };
enum { OTHERS = 4 }; /* descriptors, beside those of circuits */

struct circuit {
    int fd[SIDES]; /* 0: unused */
    unsigned char in[SIDES][BYTES];
    size_t used[SIDES];
    bool has_channels, ended; /* the client ended it, and was not answered */
};

struct ca_proxy {
    pthread_t thread;
    int listener, wake, port, ioc_port;
    int searches, answers;             /* by UDP */
    struct sockaddr_in searching;      /* who asked last */
    struct circuit circuits[CIRCUITS]; /* the thread's */
    pthread_mutex_t lock;              /* of what follows */
    enum ca_proxy_rule rule;
    int subscribed;
    bool cut, ending, lingers;
};

static unsigned get16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void hang_up(struct circuit *c)
{
    for (int side = 0; side < SIDES; side++)
        if (c->fd[side]) close(c->fd[side]);
    memset(c, 0, sizeof *c);
}

static void send_all(int fd, const unsigned char *data, size_t size)
{
    for (ssize_t n; size && (n = send(fd, data, size, MSG_NOSIGNAL)) > 0; size -= (size_t)n)
        data += n;
}

/* The request's header and words, as rsrv answers what it cannot do. */
static void refuse(struct circuit *c, const unsigned char *request)
{
    unsigned char reply[HEADER + HEADER + 16] = {0};

    put16(reply, ERROR);
    put16(reply + 2, sizeof reply - HEADER);
    memcpy(reply + 8, request + 8, 4);
    put16(reply + 14, ECA_BADMASK);
    memcpy(reply + HEADER, request, HEADER);
    memcpy(reply + HEADER + HEADER, "bad mask", 9);
    send_all(c->fd[CLIENT], reply, sizeof reply);
}

/* A message of one side, whole. Returns whether it goes on to the other. */
static bool pass(struct ca_proxy *p, struct circuit *c, int from, unsigned char *message)
{
    unsigned command = get16(message);
    bool passes = true;

    pthread_mutex_lock(&p->lock);
    if (from == SERVER) {
        if (command == SEARCH) put16(message + 4, (unsigned)p->port); /* here, not there */
    } else if (command == SEARCH) {
        passes = !p->cut;
    } else if (command == CREATE) {
        c->has_channels = true;
    } else if (command == EVENT_ADD && get16(message + HEADER + 12) & PROPERTIES) {
        p->subscribed++;
        passes = p->rule == PROXY_PASS;
        if (p->rule == PROXY_REFUSE) refuse(c, message);
    }
    pthread_mutex_unlock(&p->lock);
    return passes;
}

static void forward(struct ca_proxy *p, struct circuit *c, int from)
{
    unsigned char *in = c->in[from];
    ssize_t n = recv(c->fd[from], in + c->used[from], BYTES - c->used[from], 0);

    if (n <= 0) {
        pthread_mutex_lock(&p->lock);
        c->ended = p->lingers && from == CLIENT;
        pthread_mutex_unlock(&p->lock);
        if (!c->ended) hang_up(c);
        return;
    }
    c->used[from] += (size_t)n;
    size_t at = 0;
    while (c->used[from] - at >= HEADER) {
        size_t size = HEADER + get16(in + at + 2);
        if (size > BYTES / 2) testAbort("the proxy knows small messages only");
        if (c->used[from] - at < size) break;
        if (pass(p, c, from, in + at)) send_all(c->fd[!from], in + at, size);
        at += size;
    }
    c->used[from] -= at;
    memmove(in, in + at, c->used[from]);
}

static void ask(struct ca_proxy *p)
{
    const struct sockaddr_in ioc = local(p->ioc_port);
    socklen_t size = sizeof p->searching;
    unsigned char data[BYTES];
    ssize_t n =
        recvfrom(p->searches, data, sizeof data, 0, (struct sockaddr *)&p->searching, &size);

    if (n > 0) sendto(p->answers, data, (size_t)n, 0, (const struct sockaddr *)&ioc, sizeof ioc);
}

static void answer(struct ca_proxy *p)
{
    unsigned char data[BYTES];
    ssize_t n = recv(p->answers, data, sizeof data, 0);

    for (ssize_t at = 0; at + HEADER <= n; at += HEADER + (ssize_t)get16(data + at + 2))
        if (get16(data + at) == SEARCH) put16(data + at + 4, (unsigned)p->port);
    if (n > 0)
        sendto(p->searches, data, (size_t)n, 0, (struct sockaddr *)&p->searching,
               sizeof p->searching);
}

static void take_client(struct ca_proxy *p)
{
    struct sockaddr_in ioc = local(p->ioc_port);
    struct circuit *c = p->circuits;

    while (c < p->circuits + CIRCUITS && c->fd[CLIENT])
        c++;
    if (c == p->circuits + CIRCUITS) testAbort("too many circuits for the proxy");
    c->fd[CLIENT] = accept(p->listener, NULL, NULL);
    c->fd[SERVER] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->fd[SERVER], (struct sockaddr *)&ioc, sizeof ioc)) hang_up(c);
}

/* Returns false at the end. */
static bool obey(struct ca_proxy *p)
{
    eventfd_t count;

    eventfd_read(p->wake, &count);
    pthread_mutex_lock(&p->lock);
    bool cut = p->cut, ending = p->ending;
    pthread_mutex_unlock(&p->lock);
    for (struct circuit *c = p->circuits; c < p->circuits + CIRCUITS; c++)
        if (ending || (cut && c->has_channels)) hang_up(c);
    return !ending;
}

static void *serve(void *arg)
{
    struct ca_proxy *p = arg;

    for (;;) {
        struct pollfd fds[OTHERS + SIDES * CIRCUITS] = {{.fd = p->wake, .events = POLLIN},
                                                        {.fd = p->listener, .events = POLLIN},
                                                        {.fd = p->searches, .events = POLLIN},
                                                        {.fd = p->answers, .events = POLLIN}};
        for (int i = 0; i < SIDES * CIRCUITS; i++) {
            const struct circuit *c = &p->circuits[i / SIDES];
            int fd = c->ended ? 0 : c->fd[i % SIDES];
            fds[OTHERS + i] = (struct pollfd){.fd = fd ? fd : -1, .events = POLLIN};
        }
        poll(fds, sizeof fds / sizeof *fds, -1);
        for (int i = 0; i < SIDES * CIRCUITS; i++) {
            struct circuit *c = &p->circuits[i / SIDES];
            const struct pollfd *fd = &fds[OTHERS + i];
            if (fd->revents && c->fd[i % SIDES] == fd->fd && !c->ended) forward(p, c, i % SIDES);
        }
        if (fds[2].revents) ask(p);
        if (fds[3].revents) answer(p);
        if (fds[1].revents) take_client(p);
        if (fds[0].revents && !obey(p)) return NULL;
    }
}

static void tell(struct ca_proxy *p, bool cut, bool ending)
{
    pthread_mutex_lock(&p->lock);
    p->cut = cut;
    p->ending = ending;
    pthread_mutex_unlock(&p->lock);
    eventfd_write(p->wake, 1);
}

/* A socket at a port of its own, which it returns. */
static int open_port(int type, int *ret_fd)
{
    struct sockaddr_in at = local(0);
    socklen_t size = sizeof at;

    *ret_fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (bind(*ret_fd, (struct sockaddr *)&at, size) ||
        getsockname(*ret_fd, (struct sockaddr *)&at, &size))
        testAbort("no port for the proxy");
    return ntohs(at.sin_port);
}

static struct ca_proxy *start(int ioc_port, int *ret_udp_port)
{
    struct ca_proxy *p = calloc(1, sizeof *p);

    if (!p) testAbort("no memory");
    p->ioc_port = ioc_port;
    p->wake = eventfd(0, EFD_CLOEXEC);
    p->port = open_port(SOCK_STREAM, &p->listener);
    *ret_udp_port = open_port(SOCK_DGRAM, &p->searches);
    open_port(SOCK_DGRAM, &p->answers);
    pthread_mutex_init(&p->lock, NULL);
    if (listen(p->listener, CIRCUITS)) testAbort("no port for the proxy");
    if (pthread_create(&p->thread, NULL, serve, p)) testAbort("no thread");
    return p;
}

static void point(const char *variable, int port)
{
    char address[32];

    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    setenv(variable, address, 1);
}

struct ca_proxy *ca_proxy_start(int port)
{
    int unused;
    struct ca_proxy *p = start(port, &unused);

    point("EPICS_CA_NAME_SERVERS", p->port);
    return p;
}

struct ca_proxy *ca_proxy_start_udp(int port)
{
    int udp_port;
    struct ca_proxy *p = start(port, &udp_port);

    unsetenv("EPICS_CA_NAME_SERVERS");
    point("EPICS_CA_ADDR_LIST", udp_port);
    return p;
}

void ca_proxy_stop(struct ca_proxy *p)
{
    tell(p, false, true);
    pthread_join(p->thread, NULL);
    close(p->listener);
    close(p->searches);
    close(p->answers);
    close(p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void ca_proxy_rule(struct ca_proxy *p, enum ca_proxy_rule rule)
{
    pthread_mutex_lock(&p->lock);
    p->rule = rule;
    pthread_mutex_unlock(&p->lock);
}

int ca_proxy_subscribed(struct ca_proxy *p)
{
    pthread_mutex_lock(&p->lock);
    int n = p->subscribed;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void ca_proxy_cut(struct ca_proxy *p)
{
    tell(p, true, false);
}

void ca_proxy_mend(struct ca_proxy *p)
{
    tell(p, false, false);
}

void ca_proxy_linger(struct ca_proxy *p)
{
    pthread_mutex_lock(&p->lock);
    p->lingers = true;
    pthread_mutex_unlock(&p->lock);
}
