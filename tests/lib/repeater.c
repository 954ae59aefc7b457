#include "lib/repeater.h"

#include <arpa/inet.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { HEADER = 16, CONFIRM = 17 };

/* Each registration is confirmed; nothing is repeated. */
static void *confirm(void *user)
{
    int fd = (int)(intptr_t)user;
    unsigned char in[1024], out[HEADER] = {0, CONFIRM, [12] = 127, 0, 0, 1};
    struct sockaddr_in client;
    for (;;) {
        socklen_t size = sizeof client;
        if (recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&client, &size) < 0) return NULL;
        sendto(fd, out, sizeof out, 0, (struct sockaddr *)&client, size);
    }
}

void repeater_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char port[16];
    pthread_t thread;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) ||
        getsockname(fd, (struct sockaddr *)&at, &size) ||
        pthread_create(&thread, NULL, confirm, (void *)(intptr_t)fd))
        testAbort("no repeater");
    pthread_detach(thread);
    snprintf(port, sizeof port, "%d", ntohs(at.sin_port));
    setenv("EPICS_CA_REPEATER_PORT", port, 1);
}
