/* A Kafka broker, librdkafka's mock of one, on a port of 127.0.0.1: "HOST:PORT" is its first line.
 * Then for each line of standard input it says "ok" when it is done:
 *
 *     topic NAME PARTITIONS    makes one
 *     deny NAME CODE           the topic has this error, by librdkafka's number
 *     refuse CODE              the next request to produce has this error
 *     down, up                 ends all connections and takes no new ones; takes them again */
#include "lib/c11_threads.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>

enum { PRODUCE = 0 }; /* of the protocol's kinds of request */

static int obey(rd_kafka_mock_cluster_t *cluster, const char *line)
{
    char name[100];
    int number;
    if (sscanf(line, "topic %99s %d", name, &number) == 2)
        return rd_kafka_mock_topic_create(cluster, name, number, 1);
    if (sscanf(line, "deny %99s %d", name, &number) == 2)
        rd_kafka_mock_topic_set_error(cluster, name, (rd_kafka_resp_err_t)number);
    else if (sscanf(line, "refuse %d", &number) == 1)
        rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, (rd_kafka_resp_err_t)number);
    else if (!strcmp(line, "down\n"))
        return rd_kafka_mock_broker_set_down(cluster, 1);
    else if (!strcmp(line, "up\n"))
        return rd_kafka_mock_broker_set_up(cluster, 1);
    else
        return 1;
    return 0;
}

int main(void)
{
    char line[200], why[200];
    c11_threads();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    rd_kafka_mock_cluster_t *cluster = kafka ? rd_kafka_mock_cluster_new(kafka, 1) : NULL;
    if (!cluster) return 1;
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        puts(obey(cluster, line) ? "what?" : "ok");
        fflush(stdout);
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(kafka);
    return 0;
}
