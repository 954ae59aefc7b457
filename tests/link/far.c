/* A link that is slow: stands between clients and an IOC, and hands on what either says so much
 * later, in order, however much that is.
 *
 *     far IOC_PORT SECONDS [SHARE STALL SEED]
 *
 * SECONDS is for one direction: a round trip takes twice that. Of what comes, a SHARE (0.05: one in
 * twenty) is held up by STALL seconds more, and all after it waits; SEED says which. Prints where
 * it listens; clients need EPICS_CA_NAME_SERVERS of that alone. Making a connection is not delayed.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CIRCUITS = 16, BYTES = 1 << 16, HEADER = 16, LONG_HEADER = 24, SEARCH = 6 };
enum { CLIENT, SERVER, SIDES };

/* What is under way. */
struct piece {
    struct piece *next;
    double due;
    size_t size;
    unsigned char data[];
};

/* From one side to the other. */
struct lane {
    int to;
    struct piece *first, **end;
    double due;                        /* of what came last: nothing overtakes it */
    bool ended;                        /* what is under way arrives, then the circuit ends */
    unsigned char header[LONG_HEADER]; /* of the message that comes: kept back until it is whole */
    size_t held;
    size_t body; /* bytes of it that are still to come */
};

struct circuit {
    int fd[SIDES]; /* 0: unused */
    struct lane lanes[SIDES];
};

struct far {
    int listener, port, ioc_port;
    double delay, share, stall;
    unsigned short seed[3];
    struct circuit circuits[CIRCUITS];
};

static void need(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "far: %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static uint32_t get16(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void drop_first(struct lane *lane)
{
    struct piece *piece = lane->first;
    lane->first = piece->next;
    if (!lane->first) lane->end = &lane->first;
    free(piece);
}

static void hang_up(struct circuit *c)
{
    for (int side = 0; side < SIDES; side++) {
        if (c->fd[side]) close(c->fd[side]);
        while (c->lanes[side].first)
            drop_first(&c->lanes[side]);
    }
    memset(c, 0, sizeof *c);
}

static void put_off(struct lane *lane, const unsigned char *data, size_t size, double due)
{
    struct piece *piece = malloc(sizeof *piece + size);
    need(piece != NULL, "no memory");
    *piece = (struct piece){.due = due, .size = size};
    memcpy(piece->data, data, size);
    *lane->end = piece;
    lane->end = &piece->next;
}

/* Takes more of a header; its bytes go on once it is whole. */
static size_t take_header(const struct far *f, struct lane *lane, int from,
                          const unsigned char *data, size_t size, double due)
{
    unsigned char *h = lane->header;
    bool is_long = lane->held >= HEADER && get16(h + 2) == 0xFFFF;
    size_t wanted = (is_long ? LONG_HEADER : HEADER) - lane->held;
    size_t taken = size < wanted ? size : wanted;
    memcpy(h + lane->held, data, taken);
    lane->held += taken;
    if (taken < wanted || (lane->held == HEADER && get16(h + 2) == 0xFFFF)) return taken;
    lane->body = is_long ? (size_t)get16(h + 16) << 16 | get16(h + 18) : get16(h + 2);
    if (from == SERVER && get16(h) == SEARCH) { /* found here, not there */
        h[4] = (unsigned char)(f->port >> 8);
        h[5] = (unsigned char)f->port;
    }
    put_off(lane, h, lane->held, due);
    lane->held = 0;
    return taken;
}

static double draw_due(struct far *f, struct lane *lane)
{
    double due = now() + f->delay;
    if (f->share > 0 && erand48(f->seed) < f->share) due += f->stall;
    if (due > lane->due) lane->due = due;
    return lane->due;
}

static void take(struct far *f, struct circuit *c, int from)
{
    static unsigned char in[BYTES];
    struct lane *lane = &c->lanes[from];
    double due = draw_due(f, lane);
    ssize_t n = recv(c->fd[from], in, sizeof in, 0);
    if (n <= 0) {
        lane->ended = true;
        return;
    }
    for (size_t at = 0, size = (size_t)n; at < size;) {
        size_t piece = lane->body < size - at ? lane->body : size - at;
        if (piece) {
            put_off(lane, in + at, piece, due);
            lane->body -= piece;
        } else {
            piece = take_header(f, lane, from, in + at, size - at, due);
        }
        at += piece;
    }
}

static bool send_all(int fd, const unsigned char *data, size_t size)
{
    ssize_t n = 0;
    for (; size && (n = send(fd, data, size, MSG_NOSIGNAL)) > 0; size -= (size_t)n)
        data += n;
    return n >= 0;
}

/* Of all that is under way, what is due first. */
static struct circuit *find_first(struct far *f, int *from)
{
    struct circuit *found = NULL;
    double due = 0;
    for (int i = 0; i < SIDES * CIRCUITS; i++) {
        struct circuit *c = &f->circuits[i / SIDES];
        const struct piece *first = c->lanes[i % SIDES].first;
        if (!first || (found && first->due >= due)) continue;
        due = first->due;
        found = c;
        *from = i % SIDES;
    }
    return found;
}

/* What came together goes out together. */
static void hand_on(struct circuit *c, int from)
{
    static unsigned char out[2 * BYTES];
    struct lane *lane = &c->lanes[from];
    double due = lane->first->due;
    size_t used = 0;
    while (lane->first && lane->first->due <= due && used + lane->first->size <= sizeof out) {
        memcpy(out + used, lane->first->data, lane->first->size);
        used += lane->first->size;
        drop_first(lane);
    }
    if (!send_all(c->fd[!from], out, used)) hang_up(c);
}

/* All that is due, in the order in which it came, on whichever circuit. */
static void hand_all(struct far *f)
{
    struct circuit *c;
    int from;
    while ((c = find_first(f, &from)) && c->lanes[from].first->due <= now())
        hand_on(c, from);
    for (c = f->circuits; c < f->circuits + CIRCUITS; c++)
        for (from = 0; from < SIDES; from++)
            if (c->lanes[from].ended && !c->lanes[from].first) hang_up(c);
}

static void be_quick(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static void take_client(struct far *f)
{
    struct sockaddr_in ioc = local(f->ioc_port);
    struct circuit *c = f->circuits;
    while (c < f->circuits + CIRCUITS && c->fd[CLIENT])
        c++;
    need(c < f->circuits + CIRCUITS, "too many circuits");
    c->fd[CLIENT] = accept(f->listener, NULL, NULL);
    c->fd[SERVER] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int side = 0; side < SIDES; side++) {
        c->lanes[side].end = &c->lanes[side].first;
        be_quick(c->fd[side]);
    }
    if (connect(c->fd[SERVER], (struct sockaddr *)&ioc, sizeof ioc)) hang_up(c);
}

/* Until something comes, or is due. */
static void await(struct far *f, struct pollfd *fds)
{
    int from;
    const struct circuit *next = find_first(f, &from);
    double left = next ? next->lanes[from].first->due - now() : 0;
    if (left < 0) left = 0;
    fds[0] = (struct pollfd){.fd = f->listener, .events = POLLIN};
    for (int i = 0; i < SIDES * CIRCUITS; i++) {
        const struct circuit *c = &f->circuits[i / SIDES];
        int fd = c->lanes[i % SIDES].ended ? 0 : c->fd[i % SIDES];
        fds[1 + i] = (struct pollfd){.fd = fd ? fd : -1, .events = POLLIN};
    }
    struct timespec t = {.tv_sec = (time_t)left};
    t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
    ppoll(fds, 1 + SIDES * CIRCUITS, next ? &t : NULL, NULL);
}

static void listen_at(struct far *f)
{
    struct sockaddr_in at = local(0);
    socklen_t size = sizeof at;
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(!bind(f->listener, (struct sockaddr *)&at, size) && !listen(f->listener, CIRCUITS) &&
             !getsockname(f->listener, (struct sockaddr *)&at, &size),
         "no port");
    f->port = ntohs(at.sin_port);
    printf("far ready on 127.0.0.1:%d\n", f->port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct far f;
    need(argc == 3 || argc == 6, "wanted IOC_PORT SECONDS [SHARE STALL SEED]");
    f.ioc_port = (int)strtol(argv[1], NULL, 10);
    f.delay = strtod(argv[2], NULL);
    if (argc == 6) {
        f.share = strtod(argv[3], NULL);
        f.stall = strtod(argv[4], NULL);
        f.seed[0] = (unsigned short)strtol(argv[5], NULL, 10);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1);
    listen_at(&f);
    for (;;) {
        struct pollfd fds[1 + SIDES * CIRCUITS];
        await(&f, fds);
        for (int i = 0; i < SIDES * CIRCUITS; i++) {
            struct circuit *c = &f.circuits[i / SIDES];
            if (fds[1 + i].revents && c->fd[i % SIDES] == fds[1 + i].fd) take(&f, c, i % SIDES);
        }
        hand_all(&f);
        if (fds[0].revents) take_client(&f);
    }
}
