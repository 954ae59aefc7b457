/* cophyd-sim: a simulated Pilatus IOC. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

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
    if (sim_ioc_start(&options, why, sizeof why) != 0) return complain(why, 1);
    if (!sim_server_has_port(port)) {
        if (options.port == 0) try_again(argv, out);
        snprintf(why, sizeof why, "port %d on 127.0.0.1 was taken while the IOC started", port);
        return complain(why, 1);
    }
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
