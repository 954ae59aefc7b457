/* Reads a topic of Kafka from its beginning, by librdkafka, until it is killed: a line a message,
 * PARTITION KEY JSON.
 *
 *     consumer BROKERS TOPIC PARTITIONS */
#include "lib/c11_threads.h"

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* MessagePack, read from its specification and not from what writes it. */
struct bytes {
    const unsigned char *at, *end;
};

static void die(const char *why)
{
    fprintf(stderr, "consumer: %s\n", why);
    exit(1);
}

static uint64_t take(struct bytes *in, int count)
{
    uint64_t n = 0;
    if (in->end - in->at < count) die("a message is cut off");
    while (count-- > 0)
        n = n << 8 | *in->at++;
    return n;
}

static json_t *text(struct bytes *in, uint64_t n)
{
    if ((uint64_t)(in->end - in->at) < n) die("a text is cut off");
    json_t *value = json_stringn((const char *)in->at, n);
    if (!value) die("a text is no UTF-8");
    in->at += n;
    return value;
}

static json_t *unpack(struct bytes *in);

static json_t *array(struct bytes *in, uint64_t n)
{
    json_t *list = json_array();
    while (n-- > 0)
        json_array_append_new(list, unpack(in));
    return list;
}

static json_t *object(struct bytes *in, uint64_t n)
{
    json_t *map = json_object();
    while (n-- > 0) {
        json_t *key = unpack(in);
        if (!json_is_string(key)) die("a key is no text");
        json_object_set_new(map, json_string_value(key), unpack(in));
        json_decref(key);
    }
    return map;
}

static json_t *real(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return json_real(number);
}

static json_t *unpack(struct bytes *in)
{
    int first = (int)take(in, 1);
    if (first <= 0x7f) return json_integer(first);
    if (first <= 0x8f) return object(in, first & 0xf);
    if (first <= 0x9f) return array(in, first & 0xf);
    if (first <= 0xbf) return text(in, first & 0x1f);
    if (first >= 0xe0) return json_integer(first - 256);
    switch (first) {
    case 0xc0: return json_null();
    case 0xc2: return json_false();
    case 0xc3: return json_true();
    case 0xcb: return real(take(in, 8));
    case 0xcc: return json_integer((json_int_t)take(in, 1));
    case 0xcd: return json_integer((json_int_t)take(in, 2));
    case 0xce: return json_integer((json_int_t)take(in, 4));
    case 0xcf: return json_integer((json_int_t)take(in, 8));
    case 0xd0: return json_integer((int8_t)take(in, 1));
    case 0xd1: return json_integer((int16_t)take(in, 2));
    case 0xd2: return json_integer((int32_t)take(in, 4));
    case 0xd3: return json_integer((int64_t)take(in, 8));
    case 0xd9: return text(in, take(in, 1));
    case 0xda: return text(in, take(in, 2));
    case 0xdb: return text(in, take(in, 4));
    case 0xdc: return array(in, take(in, 2));
    case 0xdd: return array(in, take(in, 4));
    case 0xde: return object(in, take(in, 2));
    case 0xdf: return object(in, take(in, 4));
    default: die("a form that JSON has not");
    }
    return NULL;
}

static void show(const rd_kafka_message_t *message)
{
    struct bytes in = {.at = message->payload};
    in.end = in.at + message->len;
    json_t *value = unpack(&in);
    if (in.at != in.end) die("there is more in a message");
    char *json = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    printf("%d %.*s %s\n", (int)message->partition, (int)message->key_len,
           (const char *)message->key, json);
    fflush(stdout);
    free(json);
    json_decref(value);
}

int main(int argc, char **argv)
{
    char why[200];
    if (argc < 4) return 2;
    c11_threads();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof why) ||
        rd_kafka_conf_set(conf, "group.id", "test", why, sizeof why) ||
        rd_kafka_conf_set(conf, "enable.auto.commit", "false", why, sizeof why) ||
        rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "500", why, sizeof why))
        die(why);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!kafka) die(why);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(4);
    for (int32_t i = 0; i < strtol(argv[3], NULL, 10); i++)
        rd_kafka_topic_partition_list_add(all, argv[2], i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_poll_set_consumer(kafka);
    if (rd_kafka_assign(kafka, all)) die("it cannot be assigned");
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 1000);
        if (message && !message->err) show(message);
        if (message) rd_kafka_message_destroy(message);
    }
}
