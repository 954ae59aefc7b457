/* A Kafka broker and a consumer, each a process of its own: tests/documents/broker.c, consumer.c.
 */
#ifndef TEST_KAFKA_H
#define TEST_KAFKA_H

#include <stddef.h>
#include <sys/types.h>

struct kafka_peer {
    pid_t pid;
    int line; /* both ways */
};

struct kafka {
    struct kafka_peer broker, consumer;
    char brokers[64];
};

/* Starts a broker, in which the topic has so many partitions. Ends the test when that fails. */
void kafka_start(struct kafka *kafka, const char *topic, int partitions);
/* Tells it something, and waits until that is done. */
void kafka_tell(struct kafka *kafka, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Starts the consumer of a topic, from its beginning; one before it ends. */
void kafka_consume(struct kafka *kafka, const char *topic, int partitions);
/* The consumer's next line. Ends the test when none comes within a minute. */
void kafka_hear(struct kafka *kafka, char *line, size_t size);
void kafka_end(struct kafka *kafka);

#endif
