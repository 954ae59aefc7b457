/* Where documents go. */
#include "cli/sink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_kafka(const char *where, const char *keep, struct sink *ret)
{
    const char *slash = strrchr(where, '/');
    oph_error err = OPH_ERROR_INIT;
    if (!slash || slash == where || !slash[1])
        return cli_usage("--kafka: wanted BROKERS/TOPIC, found '%s'", where);
    char *brokers = strndup(where, (size_t)(slash - where));
    if (!brokers) return cli_no_memory();
    int rc = oph_document_kafka_open(brokers, slash + 1, keep, NULL, &ret->kafka, &err);
    free(brokers);
    if (rc) return cli_fail(&err);
    ret->write = oph_document_kafka_write;
    ret->user = ret->kafka;
    return 0;
}

int sink_open(struct cli *cli, const char *otherwise, const char *keep, struct sink *ret)
{
    const char *file = cli_option(cli, "--docs"), *kafka = cli_option(cli, "--kafka");
    oph_error err = OPH_ERROR_INIT;
    if (file && kafka) return cli_usage("--docs and --kafka: one of the two");
    if (kafka) return open_kafka(kafka, keep, ret);
    if (!file) file = otherwise;
    if (!file) return 0;
    int rc = strcmp(file, "-") != 0 ? oph_document_lines_open(file, &ret->lines, &err)
                                    : oph_document_lines_new(STDOUT_FILENO, &ret->lines, &err);
    if (rc) return cli_fail(&err);
    ret->write = oph_document_lines_write;
    ret->user = ret->lines;
    return 0;
}

int sink_flush(struct sink *sink, const oph_error *told)
{
    oph_error err = OPH_ERROR_INIT;
    if (!sink->kafka || !oph_document_kafka_flush(sink->kafka, OPH_DEFAULT, &err)) return 0;
    return told && !strcmp(told->text, err.text) ? CLI_FAILED : cli_fail(&err);
}

void sink_close(struct sink *sink)
{
    oph_document_lines_free(sink->lines);
    oph_document_kafka_free(sink->kafka);
}
