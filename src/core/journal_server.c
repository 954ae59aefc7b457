/* Is it the same server? */
#include "core/journal.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

/* The port, with its colon. */
static const char *port_of(const char *server)
{
    const char *colon = strrchr(server, ':');
    return colon ? colon : server + strlen(server);
}

static bool is_number(const char *host, struct in_addr *ret)
{
    return inet_pton(AF_INET, host, ret) == 1;
}

static bool has_address(const char *host, struct in_addr wanted)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    bool has = false;
    if (getaddrinfo(host, NULL, &hints, &list)) return false;
    for (const struct addrinfo *at = list; at && !has; at = at->ai_next) {
        struct sockaddr_in in;
        memcpy(&in, at->ai_addr, sizeof in);
        has = in.sin_addr.s_addr == wanted.s_addr;
    }
    freeaddrinfo(list);
    return has;
}

bool oph__journal_same_server(const char *a, const char *b)
{
    char x[64], y[64];
    struct in_addr number;
    if (oph__equal(a, b)) return true;
    if (!oph__equal(port_of(a), port_of(b))) return false;
    oph__format(x, sizeof x, "%.*s", (int)(port_of(a) - a), a);
    oph__format(y, sizeof y, "%.*s", (int)(port_of(b) - b), b);
    if (is_number(x, &number)) return has_address(y, number);
    return is_number(y, &number) && has_address(x, number);
}
