/* Journals: what is read is written so that it is read again, as the same. Most of an input's
 * changes break its checksum, so it is also tried with the end that it should have. */
#include "core/journal_text.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void write(const struct oph__journal_content *content, struct oph__buf *text)
{
    oph__journal_text_begin(text, &content->head);
    for (size_t i = 0; i < content->records.count; i++)
        oph__journal_text_add(text, content->records.at[i]);
    oph__journal_text_end(text, content->records.count);
}

static bool read(const char *text, size_t length)
{
    struct oph__journal_content content, again;
    struct oph__buf first = {0}, second = {0};
    oph_error err = OPH_ERROR_INIT;

    if (oph__journal_parse(text, length, "journal", &content, &err)) {
        fuzz_claim(*err.text && !content.records.count, "an error has a sentence and no records");
        return false;
    }
    write(&content, &first);
    fuzz_claim(oph__journal_parse(first.text, first.len, "written", &again, &err) == 0,
               "what was written is read: %s\n%s", err.text, first.text);
    write(&again, &second);
    fuzz_claim(strcmp(first.text, second.text) == 0, "it is the same:\n%s\n%s", first.text,
               second.text);
    oph__buf_free(&second);
    oph__buf_free(&first);
    oph__journal_content_clear(&again);
    oph__journal_content_clear(&content);
    return true;
}

/* The lines up to an end, and the end that belongs to them. */
static void mend(const char *text, size_t length, struct oph__buf *mended)
{
    size_t count = 0;

    oph__buf_add(mended, "");
    for (const char *at = text, *next; at < text + length; at = next) {
        const char *newline = memchr(at, '\n', (size_t)(text + length - at));
        next = newline ? newline + 1 : text + length;
        size_t line = (size_t)(next - at);
        if (!newline || (line > 4 && memcmp(at, "end ", 4) == 0)) break;
        count += line > 4 && memcmp(at, "set ", 4) == 0;
        oph__buf_add_n(mended, at, line);
    }
    oph__journal_text_end(mended, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    char *text = fuzz_bytes(&in, size);

    if (!read(text, size)) {
        struct oph__buf mended = {0};
        mend(text, size, &mended);
        read(mended.text, mended.len);
        oph__buf_free(&mended);
    }
    free(text);
    return 0;
}
