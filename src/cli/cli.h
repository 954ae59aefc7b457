/* The cophyd command: what its subcommands share. It uses the public headers alone.
 *
 * A command is a file cmd_NAME.c with a function and a description of it,
 *
 *     static int run(struct cli *cli, int argc, char **argv)
 *     {
 *         oph_device *det = NULL;
 *         int rc = cli_device(cli, argv[0], &det); // the PREFIX that its usage names
 *         if (!rc) rc = cli_connect(cli, det);
 *         ...
 *         return rc;
 *     }
 *
 *     const struct cli_command cli_NAME = {.name = "NAME", .line = "what it does", .run = run,
 * ...};
 *
 * and a line in the table of commands.c. From the description come its --help, its man page and the
 * shells' completion. argv holds its operands, argc is within operands_min and operands_max;
 * options were taken out. It returns one of enum cli_exit, mostly that of a helper below, each of
 * which has told on stderr what is wrong before it returns anything but 0. Context and device are
 * the command's to use, and main's to free. Results go to stdout by cli_print and, with --json, by
 * cli_json; all else goes to stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <cophyd/cophyd.h>
#include <jansson.h>
#include <stdbool.h>

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,         /* the command line is wrong: also a class or a path that is not there */
    CLI_NOT_CONNECTED = 3, /* the IOC does not answer, or not in time */
    CLI_INTERRUPTED = 130
};

/* --- What a command says of itself */

struct cli_option {
    const char *name;     /* "--png", "-n" */
    const char *argument; /* what --help calls its value: "FILE"; NULL: it takes none */
    const char *doc;      /* one line, as "writes the picture to FILE" */
};

enum cli_uses {
    CLI_USES_DEVICE = 1, /* --class, --timeout, --read-only, --log */
    CLI_USES_FILES = 2,  /* --set, --write-root, --read-root, --dir */
    CLI_USES_JSON = 4,   /* --json */
    CLI_RAW = 8,         /* all that follows its name is its operands, options too */
    CLI_HIDDEN = 16      /* --help does not list it */
};

struct cli;
struct cli_command {
    const char *name;
    const char *line;               /* "reads signals" */
    const char *usage;              /* operands, as "PREFIX PATH..." */
    int operands_min, operands_max; /* -1: any number */
    unsigned uses;                  /* of enum cli_uses */
    int (*run)(struct cli *cli, int argc, char **argv);
    const struct cli_option *options; /* its own, ended by a name of NULL; or NULL */
    const char *text;     /* what --help says of it: paragraphs, lines of at most 78 columns */
    const char *examples; /* a line each, "cophyd get Pilatus: cam.acquire_time" */
};
extern const struct cli_command *const cli_commands[]; /* ended by NULL */

/* --- One call of the program */

enum { CLI_MOST_OPTIONS = 32 };

struct cli {
    const struct cli_command *command;
    bool json;
    bool read_only;
    double timeout; /* OPH_DEFAULT where it was not given */
    const char *log_file, *class_name, *write_root, *read_root, *dir; /* NULL: not given */
    const char *found_class; /* the one that class_name means, once it was looked for; or NULL */
    const char **sets;       /* KEY=VALUE, in order */
    size_t set_count;
    const char *values[CLI_MOST_OPTIONS]; /* of the command's own options; "" without argument */

    bool terminal; /* stdout is one */
    bool color;    /* stdout is a terminal, and NO_COLOR is not set */
    bool closed;   /* stdout takes nothing any more */
    FILE *log;     /* --log */
    int log_lost;  /* errno of the first line that it did not take */
    char who[128]; /* writes there: "rv@beam1" */
    oph_context *ctx;
    oph_device *det;
};

/* The value of one of the command's own options, "" of one that takes none; NULL: not given. */
const char *cli_option(const struct cli *cli, const char *name);
/* The same as a number; `otherwise` where it was not given. A value that is no number, or below
 * `least`, is CLI_USAGE. */
int cli_option_int(const struct cli *cli, const char *name, int64_t least, int64_t otherwise,
                   int64_t *ret);
bool cli_to_int(const char *text, int64_t *ret);
bool cli_to_double(const char *text, double *ret);

/* --- Saying things */

/* To stdout. A reader that has gone is no reason to end: `closed` says so, and what repeats itself
 * looks at it. Of what a terminal obeys only line ends, tabs and the sequences of cli_color get
 * there, so that any text may be printed. */
void cli_print(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same as it stands. */
void cli_print_raw(struct cli *cli, const char *text);
/* One document, on a line of its own; takes the reference, which may be NULL: no memory. */
int cli_json(struct cli *cli, json_t *document);
/* What came of all that went to stdout: 0, or CLI_FAILED, or CLI_INTERRUPTED. */
int cli_flush(struct cli *cli);

/* "cophyd: ..." on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, and returns CLI_USAGE. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says so, and returns CLI_FAILED. */
int cli_no_memory(void);
/* Says what went wrong, and returns the exit code for it. */
int cli_fail(const oph_error *err);
/* The same for a call that gives a report as well, which it frees: all its lines, once each. */
int cli_fail_report(const oph_error *err, oph_report *report);
/* Says what is in a report of something that went well, and frees it. */
void cli_warn_report(oph_report *report);

enum cli_color { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_YELLOW, CLI_GREEN, CLI_MAGENTA };
/* The sequence for the terminal, or "" where there are no colours. CLI_PLAIN ends it. */
const char *cli_color(const struct cli *cli, enum cli_color color);
int cli_columns(void); /* of the terminal, else 80 */
int cli_rows(void);    /* else 24 */

/* --- Values, as people and JSON read them */

/* Into text[size]: a number, an enum's label, of an array its size and first elements. `told`, of
 * oph_signal_describe, tells labels and which arrays are text; NULL: nobody does. Returns text. */
const char *cli_value_text(const oph_value *value, const oph_description *told, char *text,
                           size_t size);
json_t *cli_value_json(const oph_value *value, const oph_description *told); /* NULL: no memory */
bool cli_is_float(const oph_value *value);
enum { CLI_INVALID = 3 };                        /* EPICS' severity of what is no value */
enum { CLI_UDF = 17, CLI_DISABLE = 18 };         /* its alarms: never had a value; is disabled */
const char *cli_severity_name(int32_t severity); /* "NO_ALARM", "MINOR" ... */
const char *cli_alarm_name(int32_t alarm);       /* "HIHI", "UDF" ... */
enum cli_color cli_severity_color(int32_t severity);
/* The IOC's time, as "2026-11-26 10:30:15.123" here, into text[size]. Returns text. */
const char *cli_time_text(const oph_value *value, char *text, size_t size);
double cli_time(const oph_value *value); /* seconds since 1970 UTC */

/* A line of a signal: its path, value, units, time, and an alarm where there is one; with --json
 * {"path", "pv", "value", "index", "units", "severity", "alarm", "time"}. */
int cli_show(struct cli *cli, const oph_signal *sig, const oph_value *value,
             const oph_description *told);

/* JSON of what the library tells. Text that is not UTF-8 is taken for Latin-1; a number that JSON
 * does not have is null. NULL: no memory. */
json_t *cli_json_text(const char *text);
json_t *cli_json_double(double value);
json_t *cli_json_error(const oph_error *err);      /* {"code", "device", "pv", "wanted", ...} */
json_t *cli_json_report(const oph_report *report); /* a list of these */

/* --- The device */

/* Makes the context, as the options say: timeouts, log. For commands without a device. */
int cli_context(struct cli *cli);
/* And the device of --class, called "det", with the settings and folders of the options. Needs no
 * network. */
int cli_device(struct cli *cli, const char *prefix, oph_device **ret);
int cli_connect(struct cli *cli, oph_device *det);
/* The name of the class that --class means, which is in the context then. */
int cli_class(struct cli *cli, const char **ret);
/* The text of that class, where it is not the library's own, else NULL, after those of the
 * command's own that it names; to be freed. */
int cli_class_text(const struct cli *cli, char **ret);
/* A file's text, to be freed; NULL where it cannot be read or is no text, which has been told. */
char *cli_read_file(const char *name);
/* Whether --write-root is a folder of an IOC on Windows. */
bool cli_is_windows(const struct cli *cli);
/* For a command that stages: CLI_USAGE where a file store has no folder. */
int cli_need_folders(oph_device *det);
/* For a command that writes: CLI_USAGE where --read-only was given, else 0. */
int cli_may_write(const struct cli *cli);
/* A signal of the device; its path from there, without "det.". */
int cli_signal(oph_device *det, const char *path, oph_signal **ret);
const char *cli_path(const oph_signal *sig);

/* The device below `det` that has the attribute at a path, and its name there. */
oph_device *cli_owner(oph_device *det, const char *path, const char **ret_attr);

/* The first device of the tree that is of a class, or NULL. */
oph_device *cli_first(oph_device *dev, const char *class_name);

/* The signals that paths mean: those of a device are all below it, of "." all there are. */
struct cli_signals {
    oph_signal **at;
    size_t count;
    bool *named; /* by its own path: then it is an error where the IOC lacks it */
};
int cli_signals(oph_device *det, int count, char **paths, struct cli_signals *ret);
void cli_signals_free(struct cli_signals *signals);

/* --- Signals */

/* From now on SIGINT, SIGTERM and SIGHUP interrupt this context; NULL: they end the program. */
void cli_interrupts(oph_context *ctx);
/* One has come. The library's calls then return OPH_EINTR, and what does not block in them looks
 * here. */
bool cli_interrupted(void);
double cli_now(void); /* seconds of a clock that nobody sets */

#endif
