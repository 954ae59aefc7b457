/* cophyd count: takes images, and puts everything back. */
#include "cli/commands.h"
#include "cli/emit.h"
#include "cli/progress.h"
#include "cli/sink.h"

#include <string.h>
#include <unistd.h>

/* A count under way. */
struct count {
    struct progress progress;
    struct sink sink;
};

/* Each document: it tells how far the count is, and goes on to whoever wants it. */
static int32_t take_document(void *user, const char *name, const char *json, size_t length,
                             oph_error *err)
{
    struct count *count = user;
    if (!strcmp(name, "start")) progress_staged(&count->progress);
    if (!strcmp(name, "event")) progress_point(&count->progress);
    /* A call of these may have taken the interrupt, which the count has to see. */
    if (cli_interrupted() && strcmp(name, "stop") != 0) oph_interrupt(count->progress.cli->ctx);
    return count->sink.write ? count->sink.write(count->sink.user, name, json, length, err) : 0;
}

static int open_documents(struct cli *cli, struct count *count)
{
    const char *file = cli_option(cli, "--docs");
    if (file && !strcmp(file, "-")) {
        if (cli->json) return cli_usage("--docs - and --json both want standard output");
        count->progress.out = stderr;
        count->progress.bar = isatty(STDERR_FILENO) != 0;
    }
    const char *keep = cli_option(cli, "--keep");
    return sink_open(cli, NULL, keep ? keep : ".", &count->sink);
}

static int take_form(struct cli *cli, oph_count_options *options)
{
    const char *form = cli_option(cli, "--form");
    options->metadata = cli_option(cli, "--metadata");
    if (!isnan(cli->timeout)) options->timeout = cli->timeout;
    if (!form || !strcmp(form, "resource")) return 0;
    if (strcmp(form, "stream") != 0)
        return cli_usage("--form: wanted resource or stream, found '%s'", form);
    options->form = OPH_DOCUMENT_STREAM;
    return 0;
}

/* --- What came of it */

/* The end of a count that went well. */
static int show_done(struct cli *cli, const struct progress *p, double seconds)
{
    if (cli->json)
        return cli_json(cli,
                        json_pack("{s:s, s:I, s:I, s:f, s:o}", "result", "done", "points",
                                  (json_int_t)p->done, "frames", (json_int_t)p->frames_at_point,
                                  "seconds", seconds, "file", cli_json_text(p->file)));
    fprintf(p->out, "%lld frame%s in %.1f s%s%s\n", (long long)p->frames_at_point,
            p->frames_at_point == 1 ? "" : "s", seconds, *p->file ? ": " : "", p->file);
    return p->out == stdout ? cli_flush(cli) : 0;
}

/* Whether a journal of this detector is there, which is no other client's. */
static bool has_left(const char *prefix)
{
    oph_journals *journals = NULL;
    bool left = false;
    if (oph_journals_find(&journals, NULL)) return false;
    for (size_t i = 0; i < oph_journals_count(journals); i++) {
        const oph_journal *j = oph_journals_at(journals, i);
        left = left || (!strcmp(j->prefix, prefix) && (!j->alive || j->pid == getpid()));
    }
    oph_journals_free(journals);
    return left;
}

/* Whether all is as before. The report of a stage that failed has its cause, too. */
static bool is_back(const struct progress *p, const oph_error *err, const oph_report *report)
{
    size_t count = oph_report_count(report);
    bool staged = p->begun > 0;
    return !count || (!staged && count == 1 && !strcmp(oph_report_at(report, 0)->text, err->text));
}

/* The end of another: what it was, and whether the settings are back. */
static int show_failed(struct cli *cli, const struct progress *p, const oph_error *err,
                       oph_report *report)
{
    bool interrupted = err->code == OPH_EINTR, back = is_back(p, err, report);
    if (cli->json)
        cli_json(cli, json_pack("{s:s, s:I, s:I, s:o, s:o}", "result",
                                interrupted ? "interrupted" : "failed", "points",
                                (json_int_t)p->done, "frames", (json_int_t)p->frames_at_point,
                                "error", cli_json_error(err), "left", cli_json_report(report)));
    int rc = interrupted ? CLI_INTERRUPTED : cli_fail_report(err, report);
    if (interrupted) {
        cli_say("interrupted after %lld of %lld points", (long long)p->done, (long long)p->points);
        cli_warn_report(report);
    }
    if (back) cli_say("all settings are as before");
    if (has_left(oph_device_prefix(p->det)))
        cli_say("cophyd recover %s puts back what is not, once the IOC answers",
                oph_device_prefix(p->det));
    return rc;
}

static int count(struct cli *cli, struct count *c, const oph_count_options *options)
{
    struct progress *p = &c->progress;
    oph_error err = OPH_ERROR_INIT;
    progress_begin(p);
    int rc = oph_count(cli->ctx, &p->det, 1, p->points, take_document, c, options, &err);
    double seconds = progress_seconds(p);
    progress_end(p);
    if (rc) {
        rc = show_failed(cli, p, &err, options->reports[0]);
        sink_flush(&c->sink, &err); /* which may not have got it, either */
        return rc;
    }
    cli_warn_report(options->reports[0]);
    return show_done(cli, p, seconds);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct count c = {.progress = {.cli = cli, .out = stdout, .bar = cli->terminal}};
    oph_report *report = NULL;
    oph_count_options options = {.size = sizeof options, .reports = &report};
    (void)argc;
    int rc = cli_option_int(cli, "-n", 1, 1, &c.progress.points);
    if (!rc) rc = take_form(cli, &options);
    if (!rc && !cli_option(cli, "--emit-c")) rc = cli_may_write(cli);
    if (!rc) rc = cli_device(cli, argv[0], &c.progress.det);
    if (!rc) rc = cli_need_folders(c.progress.det);
    if (!rc && cli_option(cli, "--emit-c")) return emit_count(cli, c.progress.points, &options);
    if (!rc) rc = cli_connect(cli, c.progress.det);
    if (!rc) rc = open_documents(cli, &c);
    if (!rc) rc = count(cli, &c, &options);
    sink_close(&c.sink);
    return rc;
}

static const struct cli_option options[] = {
    {"-n", "POINTS", "how many triggers; 1"},
    {"--docs", "FILE|-", "appends the run's documents to FILE, as JSON lines; -: to stdout"},
    SINK_KAFKA,
    {"--keep", "FOLDER", "where runs stay as UID.jsonl that Kafka did not take; this folder"},
    {"--form", "resource|stream", "how the documents tell of images: for databroker, or for Tiled"},
    {"--metadata", "JSON", "an object whose members the start document gets"},
    {"--emit-c", NULL, "takes nothing, but prints a C program that would"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_count = {
    .name = "count",
    .line = "takes images, and puts all settings back",
    .usage = "PREFIX",
    .operands_min = 1,
    .operands_max = 1,
    .uses = CLI_USES_DEVICE | CLI_USES_FILES | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "Stages the detector, triggers it POINTS times, waits until each image is written,\n"
            "and unstages it, whatever happens. Ctrl-C ends it and puts the settings back, too.\n"
            "With --timeout a trigger may take so long, and no longer.",
    .examples =
        "cophyd count Pilatus: -n 10 --set cam.acquire_time=0.1 \\\n"
        "    --write-root /mnt/fileserver/data --read-root /export/raid5/fileshare/data \\\n"
        "    --dir %Y/%m/%d\n"
        "cophyd count beam: --class beamline.class -n 100 --docs runs.jsonl\n"
        "cophyd count beam: --class beamline.class --emit-c >count.c",
};
