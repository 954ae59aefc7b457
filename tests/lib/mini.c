#include "lib/mini.h"

#include <arpa/inet.h>
#include <epicsUnitTest.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static const char classes[] = "class Mini\n"
                              "row ai ai rw float config\n"
                              "row ao ao rw float config\n"
                              "row disp ao.DISP rw int config\n"
                              "row longout longout rw int config\n"
                              "row mbbo mbbo rw enum config\n"
                              "row text stringout rw text config\n"
                              "row chars chars rw text config\n"
                              "row doubles doubles rw array config\n"
                              "row slow slow.A rw float config\n"
                              "row slower slower.A rw float config\n"
                              "row slowest slowest.A rw float config\n"
                              "row ticks ticks ro float config\n"
                              "row guarded guarded rw float config\n"
                              "row guard guard rw text config\n"
                              "row missing missing rw float config\n"
                              "stage . ao=2.5\n";

oph_context *mini_context(const oph_context_options *opt)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_context_new(opt, &ctx, &err) || oph_class_parse(ctx, classes, "mini.c", NULL, &err))
        testAbort("%s", err.text);
    return ctx;
}

oph_device *mini_device(oph_context *ctx, const char *name)
{
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, "Mini", "m:", name, &dev, &err)) testAbort("%s", err.text);
    return dev;
}

/* libca makes a repeater of its process where it finds the port free. */
void mini_hold_repeater_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof address;
    char port[16];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        testAbort("no port for a repeater");
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    setenv("EPICS_CA_REPEATER_PORT", port, 1);
}
