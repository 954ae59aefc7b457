/* cophyd-sim: a simulated Pilatus IOC. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <epicsThread.h>
#include <errlog.h>

#include "sim/fault_server.h"
#include "sim/ioc.h"
#include "sim/options.h"
#include "sim/server.h"

enum { TRIES = 5 };
static const char tries_name[] = "COPHYD_SIM_TRIES";

static int complain(const char *why, int code)
{
    fprintf(stderr, "cophyd-sim: %s\n", why);
    return code;
}

/* EPICS Base prints its banner to standard output: ours is kept clean. Returns a copy of it. */
static FILE *keep_stdout(void)
{
    fflush(stdout);
    int copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), null = open("/dev/null", O_WRONLY);
    if (copy < 0 || null < 0) return NULL;
    dup2(null, STDOUT_FILENO);
    close(null);
    return fdopen(copy, "w");
}

/* Between our choice of a free port and the server's start another process can take it. */
static void try_again(char **argv, FILE *out)
{
    const char *before = getenv(tries_name);
    char tries[24];
    long count = before ? strtol(before, NULL, 10) : 0;
    if (count >= TRIES) return;
    snprintf(tries, sizeof tries, "%ld", count + 1);
    setenv(tries_name, tries, 1);
    dup2(fileno(out), STDOUT_FILENO);
    execv("/proc/self/exe", argv);
}

struct start {
    char **argv;
    FILE *out;
    int port;
    int is_auto;
    epicsThreadId thread;
    atomic_int over;
};

static int port_taken(const struct start *s)
{
    char why[80];
    if (s->is_auto) try_again(s->argv, s->out);
    snprintf(why, sizeof why, "port %d on 127.0.0.1 was taken while the IOC started", s->port);
    return complain(why, 1);
}

/* RSRV that cannot have its UDP port suspends the thread that starts it, for ever. */
static void *watch(void *arg)
{
    struct start *s = arg;
    while (!atomic_load(&s->over)) {
        if (epicsThreadIsSuspended(s->thread)) _exit(port_taken(s));
        poll(NULL, 0, 20);
    }
    return NULL;
}

static int start(struct start *s, const struct sim_options *options)
{
    char why[512] = "";
    pthread_t watcher;
    s->thread = epicsThreadGetIdSelf();
    if (pthread_create(&watcher, NULL, watch, s) != 0) return complain("no thread", 1);
    int rc = sim_ioc_start(options, why, sizeof why);
    atomic_store(&s->over, 1);
    pthread_join(watcher, NULL);
    if (rc != 0) return complain(why, 1);
    return sim_server_has_port(s->port) ? 0 : port_taken(s);
}

/* Set in the parent's name: it ends us when it ends, also when it is killed. */
static int end_with_parent(void)
{
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    return getppid() == parent ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct sim_options options;
    char why[512] = "";
    sigset_t ends;
    int signal_number = 0;
    switch (sim_options_parse(argc, argv, &options, why, sizeof why)) {
    case SIM_SHOWN: return 0;
    case SIM_WRONG: return complain(why, 2);
    case SIM_RUN: break;
    }
    if (end_with_parent() != 0) return 1;
    /* Blocked before there are threads, so that only this one takes them. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    FILE *out = keep_stdout();
    if (!out) return complain("standard output is closed", 1);
    if (!options.verbose) eltc(0);
    int port = sim_server_prepare(options.port, why, sizeof why);
    if (port < 0) return complain(why, 1);
    sim_fault_server_prepare(argv, port);
    struct start s = {.argv = argv, .out = out, .port = port, .is_auto = options.port == 0};
    if (start(&s, &options) != 0) return 1;
    fprintf(out, "cophyd-sim: %s ready on 127.0.0.1:%d\n", options.prefix, port);
    fprintf(out,
            "export EPICS_CA_NAME_SERVERS=127.0.0.1:%d EPICS_CA_ADDR_LIST= "
            "EPICS_CA_AUTO_ADDR_LIST=NO\n",
            port);
    fclose(out);
    sigwait(&ends, &signal_number);
    sim_ioc_stop();
    _exit(0); /* the IOC's threads run on: no destructor may pull the ground from under them */
}
