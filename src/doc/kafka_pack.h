/* MessagePack, which bluesky-kafka's messages are in. */
#ifndef DOC_KAFKA_PACK_H
#define DOC_KAFKA_PACK_H

#include "base/str.h"
#include <jansson.h>

/* Appends a value in its shortest form, as Python's msgpack does; objects keep their order. */
void oph__msgpack_add(struct oph__buf *buf, const json_t *value);

/* A message: [name, document]. */
void oph__msgpack_document(struct oph__buf *buf, const char *name, const json_t *document);

#endif
