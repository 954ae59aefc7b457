/* JSON has six sorts of values, and each has one form here: a page, and no library whose package is
 * named otherwise in each release of Debian. The format: msgpack's spec.md. */
#include "doc/kafka_pack.h"

#include <string.h>

/* A byte, and a number of `bytes` bytes, the highest first. */
static void add(struct oph__buf *buf, int first, uint64_t number, int bytes)
{
    char out[9] = {(char)first};
    for (int i = 0; i < bytes; i++)
        out[1 + i] = (char)(number >> 8 * (bytes - 1 - i) & 0xff);
    oph__buf_add_n(buf, out, (size_t)bytes + 1);
}

/* Numbers of 1, 2, 4 and 8 bytes have codes one after the other. */
static void add_sized(struct oph__buf *buf, int code, uint64_t number, uint64_t magnitude)
{
    int power = magnitude <= UINT8_MAX    ? 0
                : magnitude <= UINT16_MAX ? 1
                : magnitude <= UINT32_MAX ? 2
                                          : 3;
    add(buf, code + power, number, 1 << power);
}

static void add_integer(struct oph__buf *buf, json_int_t n)
{
    if (n >= -32 && n <= 127)
        add(buf, (int)(n & 0xff), 0, 0);
    else if (n >= 0)
        add_sized(buf, 0xcc, (uint64_t)n, (uint64_t)n);
    else /* INT8_MIN is to its type what 255 is to the unsigned one */
        add_sized(buf, 0xd0, (uint64_t)n, 2 * (uint64_t) - (n + 1) + 1);
}

static void add_real(struct oph__buf *buf, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    add(buf, 0xcb, bits, 8);
}

static void add_text(struct oph__buf *buf, const char *text, size_t n)
{
    if (n < 32)
        add(buf, 0xa0 | (int)n, 0, 0);
    else
        add_sized(buf, 0xd9, n, n);
    oph__buf_add_n(buf, text, n);
}

/* Of an array 0x90 and 0xdc, of an object 0x80 and 0xde: there is no form with one byte. */
static void add_count(struct oph__buf *buf, int small, int code, size_t n)
{
    if (n < 16)
        add(buf, small | (int)n, 0, 0);
    else
        add_sized(buf, code - 1, n, n <= UINT8_MAX ? UINT16_MAX : n);
}

static void add_object(struct oph__buf *buf, const json_t *object)
{
    const char *key;
    json_t *value, *same = (json_t *)(uintptr_t)object; /* it wants one that is not const */
    add_count(buf, 0x80, 0xde, json_object_size(object));
    json_object_foreach(same, key, value)
    {
        add_text(buf, key, strlen(key));
        oph__msgpack_add(buf, value);
    }
}

void oph__msgpack_add(struct oph__buf *buf, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: add_object(buf, value); break;
    case JSON_ARRAY:
        add_count(buf, 0x90, 0xdc, json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            oph__msgpack_add(buf, json_array_get(value, i));
        break;
    case JSON_STRING: add_text(buf, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: add_integer(buf, json_integer_value(value)); break;
    case JSON_REAL: add_real(buf, json_real_value(value)); break;
    case JSON_TRUE: add(buf, 0xc3, 0, 0); break;
    case JSON_FALSE: add(buf, 0xc2, 0, 0); break;
    case JSON_NULL: add(buf, 0xc0, 0, 0); break;
    }
}

void oph__msgpack_document(struct oph__buf *buf, const char *name, const json_t *document)
{
    add_count(buf, 0x90, 0xdc, 2);
    add_text(buf, name, strlen(name));
    oph__msgpack_add(buf, document);
}
