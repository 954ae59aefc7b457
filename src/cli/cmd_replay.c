/* cophyd replay: the documents of a file, once more. */
#include "cli/commands.h"
#include "cli/sink.h"

static int replay(const char *from, struct sink *to)
{
    oph_replayed done = {0};
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_documents_replay(from, to->write, to->user, &done, &report, &err)) {
        int failed = cli_fail_report(&err, report);
        sink_flush(to, &err); /* what came before the mistake */
        return failed;
    }
    cli_warn_report(report);
    int rc = sink_flush(to, NULL); /* of a run without an end */
    if (rc) return rc;
    cli_say("%s: %llu documents of %llu runs, %llu of them complete", from,
            (unsigned long long)done.documents, (unsigned long long)done.runs,
            (unsigned long long)done.complete);
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct sink sink = {0};
    (void)argc;
    int rc = sink_open(cli, "-", NULL, &sink);
    if (!rc) rc = replay(argv[0], &sink);
    sink_close(&sink);
    return rc;
}

static const struct cli_option options[] = {
    {"--docs", "FILE|-", "appends them to FILE; -, as at first: to stdout"},
    SINK_KAFKA,
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
    .text = "Each line is checked before it goes out. Runs without an end are named.\n"
            "Documents have uids, by which who has them already knows them. FILE stays as\n"
            "it is: what Kafka did not take can be sent again.",
    .examples = "cophyd replay runs.jsonl\ncophyd replay kept/0b3f2c1a.jsonl --kafka "
                "kafka1:9092/beam.bluesky.runengine.documents",
};
