/* JSON to MessagePack: every form, at the edges of each, against bytes from Python's msgpack. */
#include "doc/kafka_pack.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void packs(const char *json, const char *hex)
{
    struct oph__buf buf = {0};
    char found[200] = "";
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    if (!value) testAbort("no JSON: %s", json);
    oph__msgpack_add(&buf, value);
    for (size_t i = 0; i < buf.len && i < 60; i++)
        snprintf(found + 2 * i, sizeof found - 2 * i, "%02x", (unsigned)(unsigned char)buf.text[i]);
    testOk(!strcmp(found, hex), "%s is %s", json, hex);
    if (strcmp(found, hex)) testDiag("found %s", found);
    oph__buf_free(&buf);
    json_decref(value);
}

/* As msgpack 1.1 of Python packs them. */
static void packs_what_is_known(void)
{
    static const struct {
        const char *json, *hex;
    } known[] = {{"null", "c0"},
                 {"true", "c3"},
                 {"false", "c2"},
                 {"0", "00"},
                 {"127", "7f"},
                 {"128", "cc80"},
                 {"255", "ccff"},
                 {"256", "cd0100"},
                 {"65535", "cdffff"},
                 {"65536", "ce00010000"},
                 {"4294967295", "ceffffffff"},
                 {"4294967296", "cf0000000100000000"},
                 {"9223372036854775807", "cf7fffffffffffffff"},
                 {"-1", "ff"},
                 {"-32", "e0"},
                 {"-33", "d0df"},
                 {"-128", "d080"},
                 {"-129", "d1ff7f"},
                 {"-32768", "d18000"},
                 {"-32769", "d2ffff7fff"},
                 {"-2147483648", "d280000000"},
                 {"-2147483649", "d3ffffffff7fffffff"},
                 {"-9223372036854775808", "d38000000000000000"},
                 {"0.0", "cb0000000000000000"},
                 {"-0.0", "cb8000000000000000"},
                 {"1.5", "cb3ff8000000000000"},
                 {"1e300", "cb7e37e43c8800759c"},
                 {"0.1", "cb3fb999999999999a"},
                 {"\"\"", "a0"},
                 {"\"a\"", "a161"},
                 {"\"ä€\"", "a5c3a4e282ac"},
                 {"[]", "90"},
                 {"[1,\"b\",null]", "9301a162c0"},
                 {"{}", "80"},
                 {"{\"b\":1,\"a\":[{}]}", "82a16201a1619180"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        packs(known[i].json, known[i].hex);
}

/* A value of n parts, x of a text, 0 of a list, "0":0, "1":0 ... of an object: how many bytes it
 * takes, and what it begins with. */
static void begins(char open, size_t n, char close, const char *hex, size_t bytes)
{
    struct oph__buf json = {0}, buf = {0};
    char found[16] = "";
    oph__buf_add_n(&json, &open, 1);
    for (size_t i = 0; i < n; i++) {
        if (open == '"')
            oph__buf_add(&json, "x");
        else if (open == '[')
            oph__buf_addf(&json, "%s0", i ? "," : "");
        else
            oph__buf_addf(&json, "%s\"%zu\":0", i ? "," : "", i);
    }
    oph__buf_add_n(&json, &close, 1);
    json_t *value = json_loads(json.text, JSON_DECODE_ANY, NULL);
    if (!value) testAbort("no JSON");
    oph__msgpack_add(&buf, value);
    for (size_t i = 0; i < strlen(hex) / 2; i++)
        snprintf(found + 2 * i, 3, "%02x", (unsigned)(unsigned char)buf.text[i]);
    testOk(!strcmp(found, hex) && buf.len == bytes, "%c of %zu begins with %s and has %zu bytes",
           open, n, hex, bytes);
    if (strcmp(found, hex) || buf.len != bytes) testDiag("found %s, %zu bytes", found, buf.len);
    json_decref(value);
    oph__buf_free(&json);
    oph__buf_free(&buf);
}

static void packs_long_ones(void)
{
    begins('"', 31, '"', "bf78", 32);
    begins('"', 32, '"', "d92078", 34);
    begins('"', 255, '"', "d9ff78", 257);
    begins('"', 256, '"', "da010078", 259);
    begins('"', 65535, '"', "daffff78", 65538);
    begins('"', 65536, '"', "db0001000078", 65541);
    begins('[', 15, ']', "9f00", 16);
    begins('[', 16, ']', "dc001000", 19);
    begins('[', 255, ']', "dc00ff00", 258);
    begins('[', 65535, ']', "dcffff00", 65538);
    begins('[', 65536, ']', "dd0001000000", 65541);
    begins('{', 15, '}', "8fa13000", 51);
    begins('{', 16, '}', "de0010a13000", 57);
    begins('{', 65535, '}', "deffffa13000", 447638);
    begins('{', 65536, '}', "df00010000a1", 447647);
}

static void packs_documents(void)
{
    static const char wanted[] = "\x92\xa5"
                                 "event\x81\xa1x\x01";
    struct oph__buf buf = {0};
    json_t *document = json_pack("{s:i}", "x", 1);
    oph__msgpack_document(&buf, "event", document);
    testOk(buf.len == sizeof wanted - 1 && !memcmp(buf.text, wanted, buf.len),
           "a message is an array of the name and the document");
    json_decref(document);
    oph__buf_free(&buf);
}

int main(void)
{
    testPlan(0);
    packs_what_is_known();
    packs_long_ones();
    packs_documents();
    return testDone();
}
