/* What goes to stdout and stderr. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- Results */

void cli_print(struct cli *cli, const char *format, ...)
{
    va_list args;
    if (cli->closed) return;
    va_start(args, format);
    if (vprintf(format, args) < 0 || ferror(stdout)) cli->closed = true;
    va_end(args);
}

int cli_flush(struct cli *cli)
{
    if (!cli->closed && fflush(stdout) == 0) return 0;
    /* Nobody who reads the pipe any more needs no word about it. */
    if (!cli->closed && errno != EPIPE) cli_say("standard output: %s", strerror(errno));
    cli->closed = true;
    return CLI_FAILED;
}

/* --- Messages */

static void say(const char *format, va_list args)
{
    fflush(stdout); /* in the order in which they came about */
    fputs("cophyd: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CLI_USAGE;
}

static int exit_code(int32_t code)
{
    switch (code) {
    case OPH_OK: return CLI_DONE;
    case OPH_ENOTFOUND: return CLI_USAGE;
    case OPH_EDISCONN: return CLI_NOT_CONNECTED;
    case OPH_EINTR: return CLI_INTERRUPTED;
    default: return CLI_FAILED;
    }
}

int cli_fail(const oph_error *err)
{
    fflush(stdout);
    oph_error_print(err, stderr);
    return exit_code(err->code);
}

int cli_fail_report(const oph_error *err, oph_report *report)
{
    bool told = false;
    for (size_t i = 0; i < oph_report_count(report); i++)
        told = told || !strcmp(oph_report_at(report, i)->text, err->text);
    if (!told) cli_fail(err);
    cli_warn_report(report);
    return exit_code(err->code);
}

void cli_warn_report(oph_report *report)
{
    fflush(stdout);
    oph_report_print(report, stderr);
    oph_report_free(report);
}

/* --- The terminal */

const char *cli_color(const struct cli *cli, enum cli_color color)
{
    static const char *const sequences[] = {"\033[0m",  "\033[1m",  "\033[2m", "\033[31m",
                                            "\033[33m", "\033[32m", "\033[35m"};
    return cli->color ? sequences[color] : "";
}

static int size_of_terminal(bool rows, const char *variable, int otherwise)
{
    struct winsize size;
    int64_t told;
    const char *text = getenv(variable);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row)
        return rows ? size.ws_row : size.ws_col;
    return text && cli_to_int(text, &told) && told > 0 && told < 10000 ? (int)told : otherwise;
}

int cli_columns(void)
{
    return size_of_terminal(false, "COLUMNS", 80);
}

int cli_rows(void)
{
    return size_of_terminal(true, "LINES", 24);
}
