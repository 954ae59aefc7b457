/* What goes to stdout and stderr. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- Results */

static const char *const sequences[] = {"\033[0m",  "\033[1m",  "\033[2m", "\033[31m",
                                        "\033[33m", "\033[32m", "\033[35m"};

/* Bytes of the sequence of ours at `text`, which begins in ESC; 0: it is none. */
static size_t own_sequence(const struct cli *cli, const char *text)
{
    size_t count = cli->color ? sizeof sequences / sizeof sequences[0] : 0;
    for (size_t i = 0; i < count; i++)
        if (!strncmp(text, sequences[i], strlen(sequences[i]))) return strlen(sequences[i]);
    return 0;
}

/* Whatever part of it an IOC or a file wrote, the terminal obeys line ends, tabs and our colours.
 */
static void tame(const struct cli *cli, char *text)
{
    for (char *at = text; *at;) {
        size_t length = strcspn(at, "\n\t\033");
        char end = at[length];
        at[length] = 0;
        oph_text_clean(at);
        at[length] = end;
        at += length;
        size_t kept = end == '\033' ? own_sequence(cli, at) : end != 0;
        if (end == '\033' && !kept) *at = ' ';
        at += kept;
    }
}

/* errno of the first write to standard output that failed: stdio knows only that one did. */
static int lost;

static void flush(void)
{
    if (fflush(stdout) && !lost) lost = errno;
}

/* Nobody who reads the pipe any more needs no word about it, nor who interrupted. */
static void close_output(struct cli *cli)
{
    bool told = cli->closed;
    if (!lost) lost = errno;
    cli->closed = true;
    if (!told && lost != EPIPE && lost != EINTR) cli_say("standard output: %s", strerror(lost));
}

void cli_print(struct cli *cli, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    if (cli->closed) return;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    if (text) tame(cli, text);
    if (!text || fputs(text, stdout) < 0 || ferror(stdout)) close_output(cli);
    free(text);
}

void cli_print_raw(struct cli *cli, const char *text)
{
    if (!cli->closed && (fputs(text, stdout) < 0 || ferror(stdout))) close_output(cli);
}

int cli_flush(struct cli *cli)
{
    if (!cli->closed) flush();
    if (ferror(stdout)) close_output(cli);
    if (!cli->closed) return 0;
    return lost == EINTR ? CLI_INTERRUPTED : CLI_FAILED;
}

/* --- Messages */

static void say(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static void say(const char *format, va_list args)
{
    static const struct cli plain; /* no colours */
    char *text = NULL;
    flush(); /* in the order in which they came about */
    if (vasprintf(&text, format, args) < 0) text = NULL;
    if (text) tame(&plain, text);
    fprintf(stderr, "cophyd: %s\n", text ? text : "no memory");
    free(text);
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

int cli_no_memory(void)
{
    cli_say("no memory");
    return CLI_FAILED;
}

/* Kafka may be late, too, and so may an acquisition: that is no matter of the IOC's. */
static bool is_unanswered(const oph_error *err)
{
    return err->code == OPH_ETIMEOUT && strstr(err->found, "no answer from the IOC");
}

static int exit_code(const oph_error *err)
{
    if (is_unanswered(err)) return CLI_NOT_CONNECTED;
    switch (err->code) {
    case OPH_OK: return CLI_DONE;
    case OPH_ENOTFOUND: return CLI_USAGE;
    case OPH_EDISCONN: return CLI_NOT_CONNECTED;
    case OPH_EINTR: return CLI_INTERRUPTED;
    default: return CLI_FAILED;
    }
}

int cli_fail(const oph_error *err)
{
    flush();
    oph_error_print(err, stderr);
    return exit_code(err);
}

int cli_fail_report(const oph_error *err, oph_report *report)
{
    bool told = false;
    for (size_t i = 0; i < oph_report_count(report); i++)
        told = told || !strcmp(oph_report_at(report, i)->text, err->text);
    if (!told) cli_fail(err);
    cli_warn_report(report);
    return exit_code(err);
}

void cli_warn_report(oph_report *report)
{
    flush();
    oph_report_print(report, stderr);
    oph_report_free(report);
}

/* --- The terminal */

const char *cli_color(const struct cli *cli, enum cli_color color)
{
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
