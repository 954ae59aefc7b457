/* Is it the same server? */
#include "base/str.h"
#include "core/journal.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

/* The port, with its colon. */
static const char *port_of(const char *server)
{
    const char *colon = strrchr(server, ':');
    return colon ? colon : server + strlen(server);
}

static char *host_of(const char *server, char dst[64])
{
    return oph__format(dst, 64, "%.*s", (int)(port_of(server) - server), server);
}

static bool is_number(const char *host)
{
    struct in_addr number;
    return inet_pton(AF_INET, host, &number) == 1;
}

static bool has_address(const char *name, const char *number)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct in_addr wanted;
    bool has = false;
    inet_pton(AF_INET, number, &wanted);
    if (getaddrinfo(name, NULL, &hints, &list)) return false;
    for (const struct addrinfo *at = list; at && !has; at = at->ai_next) {
        struct sockaddr_in in;
        memcpy(&in, at->ai_addr, sizeof in);
        has = in.sin_addr.s_addr == wanted.s_addr;
    }
    freeaddrinfo(list);
    return has;
}

bool oph__journal_same_host(struct oph__hosts *asked, const char *a, const char *b)
{
    char x[64], y[64];
    if (oph__equal(host_of(a, x), host_of(b, y))) return true;
    if (is_number(x) == is_number(y)) return false;
    const char *name = is_number(x) ? y : x, *number = is_number(x) ? x : y;
    if (oph__equal(name, asked->name) && oph__equal(number, asked->number)) return asked->same;
    oph__copy(asked->name, sizeof asked->name, name);
    oph__copy(asked->number, sizeof asked->number, number);
    asked->same = has_address(name, number);
    return asked->same;
}

bool oph__journal_same_server(struct oph__hosts *asked, const char *a, const char *b)
{
    return oph__equal(port_of(a), port_of(b)) && oph__journal_same_host(asked, a, b);
}
