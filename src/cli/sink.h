/* Where documents go: --docs and --kafka. */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include "cli/cli.h"
#include <cophyd/documents.h>

/* Zero-initialise. */
struct sink {
    oph_document_fn *write; /* NULL: nobody wants them */
    void *user;
    oph_document_lines *lines;
    oph_document_kafka *kafka;
};

/* Opens what the options of the command say: `otherwise` where neither is given, "-" or NULL. keep:
 * the folder for runs that Kafka does not take; NULL: they are in a file already. */
int sink_open(struct cli *cli, const char *otherwise, const char *keep, struct sink *ret);
/* Waits until all was delivered. `told`: what was said of the run before, which is not said again;
 * may be NULL. */
int sink_flush(struct sink *sink, const oph_error *told);
void sink_close(struct sink *sink);

/* Rows of the tables of options. */
#define SINK_KAFKA                                                                                 \
    {                                                                                              \
        "--kafka", "BROKERS/TOPIC",                                                                \
            "sends them to Kafka, as host:9092/bl.bluesky.runengine.documents"                     \
    }
#endif
