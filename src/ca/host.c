#include "ca/client.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static void ignore(struct connection_handler_args unused)
{
    (void)unused;
}

/* libca ends a circuit with its last channel. One that is found before the server has answered that
 * is put on the ending circuit, and comes up 10 s later only. So the link has a channel of its own
 * on each server, until it is closed. */
static void stay(struct oph__host *host, const char *pv)
{
    if (ca_create_channel(pv, ignore, NULL, CA_PRIORITY_DEFAULT, &host->stays) != ECA_NORMAL)
        host->stays = NULL;
}

/* Most channels are on one server, which was the last to be added. */
struct oph__host *oph__ca_host_of(struct oph__link *link, chid id)
{
    char name[sizeof link->hosts->name];
    bool is_new = false;

    ca_get_host_name(id, name, sizeof name);
    pthread_mutex_lock(&link->m.lock);
    struct oph__host *host = link->hosts;
    while (host && strcmp(host->name, name) != 0)
        host = host->next;
    if (!host && (host = calloc(1, sizeof *host))) {
        oph__copy(host->name, sizeof host->name, name);
        host->next = link->hosts;
        link->hosts = host;
        is_new = true;
    }
    pthread_mutex_unlock(&link->m.lock);
    if (is_new) stay(host, ca_name(id));
    return host;
}

/* libca never returns from ending a context that has a name server and never had a channel. */
static void have_had_a_channel(void)
{
    chid id;

    if (ca_create_channel("cophyd", ignore, NULL, CA_PRIORITY_DEFAULT, &id) == ECA_NORMAL)
        ca_clear_channel(id);
}

void oph__ca_hosts_leave(struct oph__link *link)
{
    if (!atomic_load(&link->had_channel)) have_had_a_channel();
    for (struct oph__host *host = link->hosts; host; host = host->next)
        if (host->stays) ca_clear_channel(host->stays);
}
