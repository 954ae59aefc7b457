/* The program: command line, signals, and one command. */
#include "cli/cli.h"
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A signal handler has no other way to what it is for. */
static _Atomic(oph_context *) interrupted_context;
static volatile sig_atomic_t came;

static void on_signal(int number)
{
    oph_context *ctx = atomic_load(&interrupted_context);
    came = number;
    if (ctx) oph_interrupt(ctx);
}

/* Once only, and without restarting: who waits for a reader of standard output gives up. */
void cli_interrupts(oph_context *ctx)
{
    struct sigaction action;
    atomic_store(&interrupted_context, ctx);
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    if (!ctx) action.sa_handler = SIG_DFL;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool cli_interrupted(void)
{
    return came != 0;
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One that was closed would be a connection's to the IOC, which would get what is printed. What is
 * there in its place takes nothing, as if it was closed still. */
static void keep_places(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void set_up(struct cli *cli)
{
    keep_places();
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    cli->timeout = OPH_DEFAULT;
    cli->terminal = isatty(STDOUT_FILENO) != 0;
    cli->color = cli->terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe must not end a count in the middle */
}

static int close_log(struct cli *cli)
{
    if (cli->log && fclose(cli->log) && !cli->log_lost) cli->log_lost = errno;
    if (!cli->log_lost) return 0;
    cli_say("%s: it lacks puts: %s", cli->log_file, strerror(cli->log_lost));
    return CLI_FAILED;
}

static int run(struct cli *cli, int argc, char **argv)
{
    int rc = cli->command->run(cli, argc, argv);
    int flushed = cli_flush(cli);
    oph_device_free(cli->det);
    cli_interrupts(NULL);
    oph_context_free(cli->ctx);
    int logged = close_log(cli);
    return rc ? rc : flushed ? flushed : logged;
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    enum cli_wish wish;
    set_up(&cli);
    int rc = cli_parse(&cli, &argc, argv, &wish);
    if (!rc && wish == CLI_WISH_HELP)
        cli_help(cli.command, stdout);
    else if (!rc && wish == CLI_WISH_VERSION)
        printf("cophyd %s\n", oph_version());
    if (!rc) rc = wish == CLI_WISH_RUN ? run(&cli, argc, argv) : cli_flush(&cli);
    cli_parse_free(&cli);
    return rc;
}
