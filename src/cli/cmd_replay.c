/* cophyd replay: the documents of a file, once more. */
#include "cli/commands.h"

#include <cophyd/documents.h>

#include <string.h>
#include <unistd.h>

static int replay(const char *from, oph_document_lines *to)
{
    oph_replayed done = {0};
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_documents_replay(from, oph_document_lines_write, to, &done, &report, &err))
        return cli_fail_report(&err, report);
    cli_warn_report(report);
    cli_say("%s: %llu documents of %llu runs, %llu of them complete", from,
            (unsigned long long)done.documents, (unsigned long long)done.runs,
            (unsigned long long)done.complete);
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    oph_document_lines *lines = NULL;
    oph_error err = OPH_ERROR_INIT;
    const char *to = cli_option(cli, "--docs");
    (void)argc;
    int rc = to && strcmp(to, "-") != 0 ? oph_document_lines_open(to, &lines, &err)
                                        : oph_document_lines_new(STDOUT_FILENO, &lines, &err);
    if (rc) return cli_fail(&err);
    rc = replay(argv[0], lines);
    oph_document_lines_free(lines);
    return rc;
}

static const struct cli_option options[] = {
    {"--docs", "FILE|-", "appends them to FILE; -, as at first: to stdout"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_replay = {
    .name = "replay",
    .line = "sends the documents of a file of JSON lines again",
    .usage = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
    .options = options,
    .text = "Each line is checked before it goes out. Runs without an end are named. Documents\n"
            "have uids, by which who has them already knows them.",
    .examples = "cophyd replay runs.jsonl\ncophyd replay runs.jsonl --docs all.jsonl",
};
