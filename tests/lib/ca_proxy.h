/* Stands between clients and an IOC, reads along, and can misbehave as other servers do: for what
 * an IOC of EPICS Base does not do by itself. */
#ifndef TEST_CA_PROXY_H
#define TEST_CA_PROXY_H

struct ca_proxy;

/* What becomes of a request to subscribe to properties. */
enum ca_proxy_rule {
    PROXY_PASS,
    PROXY_REFUSE, /* "invalid event selection mask", as of a server that does not know them */
    PROXY_SWALLOW /* no answer */
};

/* In front of the IOC at this port of 127.0.0.1; points this process's Channel Access at itself, as
 * at a name server. */
struct ca_proxy *ca_proxy_start(int port);
/* The same, but searches go to it by UDP. */
struct ca_proxy *ca_proxy_start_udp(int port);
void ca_proxy_stop(struct ca_proxy *proxy);

void ca_proxy_rule(struct ca_proxy *proxy, enum ca_proxy_rule rule);
/* Such requests so far. */
int ca_proxy_subscribed(struct ca_proxy *proxy);

/* Ends the circuits that have channels; nothing is found until it is mended. */
void ca_proxy_cut(struct ca_proxy *proxy);
void ca_proxy_mend(struct ca_proxy *proxy);

/* From here on a circuit that its client ends stays as it is on this side, as that of an IOC that
 * is busy; until the proxy is stopped. */
void ca_proxy_linger(struct ca_proxy *proxy);

#endif
