/* Files of JSON lines: what is given to the sink is a document, and what is written of it is given
 * to it again, as the same; and as MessagePack. */
#include "base/str.h"
#include "doc/kafka_pack.h"
#include "fuzz/fuzz.h"

#include <cophyd/documents.h>
#include <stdlib.h>
#include <string.h>

struct given {
    struct oph__buf lines;
    uint64_t count, starts;
};

static int32_t take(void *user, const char *name, const char *json, size_t length, oph_error *err)
{
    struct given *given = user;
    json_t *document = json_loadb(json, length, 0, NULL);
    struct oph__buf packed = {0};

    (void)err;
    fuzz_claim(strlen(json) == length && !memchr(json, '\n', length), "it is one line: %s", json);
    fuzz_claim(json_is_object(document), "%s is a document: %s", name, json);
    oph__msgpack_document(&packed, name, document);
    fuzz_claim(packed.len > 2 && (unsigned char)packed.text[0] == 0x92, "a message is a pair");
    oph__buf_free(&packed);
    json_decref(document);
    given->count++;
    given->starts += strcmp(name, "start") == 0;
    json_t *text = json_string(name);
    char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    oph__buf_addf(&given->lines, "[%s,", quoted);
    oph__buf_add_n(&given->lines, json, length);
    oph__buf_add(&given->lines, "]\n");
    free(quoted);
    json_decref(text);
    return 0;
}

static int replay(const char *bytes, size_t size, struct given *given)
{
    oph_replayed replayed = {0};
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    const char *path = fuzz_file((const uint8_t *)bytes, size);
    int rc = oph_documents_replay(path, take, given, &replayed, &report, &err);

    fuzz_claim(rc ? *err.text != '\0' : replayed.documents == given->count, "all are counted: %s",
               err.text);
    fuzz_claim(rc || (replayed.runs == given->starts && replayed.complete <= replayed.runs),
               "and their runs");
    oph_report_free(report);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct given given = {.count = 0}, again = {.count = 0};

    oph__buf_add(&given.lines, "");
    oph__buf_add(&again.lines, "");
    replay((const char *)data, size, &given);
    fuzz_claim(replay(given.lines.text, given.lines.len, &again) == 0, "what was given is taken");
    fuzz_claim(given.count == again.count && strcmp(given.lines.text, again.lines.text) == 0,
               "it is the same:\n%s\n%s", given.lines.text, again.lines.text);
    oph__buf_free(&again.lines);
    oph__buf_free(&given.lines);
    return 0;
}
