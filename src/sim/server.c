#include "sim/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <envDefs.h>

static int bind_loopback(int type, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) return -1;
    /* A port that a former server left in TIME_WAIT is free; for UDP the same option would share.
     */
    if (type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static int port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 ? ntohs(address.sin_port) : -1;
}

/* One port that is free for both; 0 looks for one, each process at others, and below those that
 * Linux gives to clients: one of them would have it before the server does. */
static int find_port(int wanted)
{
    for (long tries = 0; tries < (wanted ? 1 : 100); tries++) {
        int port = wanted ? wanted : 20000 + (int)((getpid() + 997 * tries) % 12000);
        int tcp = bind_loopback(SOCK_STREAM, port), udp = bind_loopback(SOCK_DGRAM, port);
        if (tcp >= 0) close(tcp);
        if (udp >= 0) close(udp);
        if (tcp >= 0 && udp >= 0) return port;
    }
    return -1;
}

int sim_server_prepare(int port, char *why, size_t why_size)
{
    char text[16];
    int found = find_port(port);
    if (found < 0) {
        if (port)
            snprintf(why, why_size, "port %d on 127.0.0.1 is taken (try --port auto)", port);
        else
            snprintf(why, why_size, "there is no free port on 127.0.0.1");
        return -1;
    }
    snprintf(text, sizeof text, "%d", found);
    epicsEnvSet("EPICS_CAS_SERVER_PORT", text);
    epicsEnvSet("EPICS_CAS_INTF_ADDR_LIST", "127.0.0.1");
    epicsEnvSet("EPICS_CAS_BEACON_ADDR_LIST", "127.0.0.1");
    epicsEnvSet("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO");
    epicsEnvSet("EPICS_CA_SERVER_PORT", text);
    epicsEnvSet("EPICS_CA_ADDR_LIST", "127.0.0.1");
    epicsEnvSet("EPICS_CA_AUTO_ADDR_LIST", "NO");
    epicsEnvUnset("EPICS_CA_NAME_SERVERS");
    return found;
}

/* Base's RSRV_SERVER_PORT came with 7.0.7, and without a port's fifth digit until after 7.0.8.1. */
int sim_server_has_port(int port)
{
    for (int fd = 0; fd < 1024; fd++) {
        int listens = 0;
        socklen_t size = sizeof listens;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens &&
            port_of(fd) == port)
            return 1;
    }
    return 0;
}
