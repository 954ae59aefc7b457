/* The metadata of a run: what is taken is written so that it is taken again, as the same. */
#include "doc/run.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    char *text = fuzz_rest(&in);
    json_t *metadata;
    oph_error err = OPH_ERROR_INIT;

    if (oph__metadata_parse(text, &metadata, &err) == 0) {
        char *dump = json_dumps(metadata, JSON_COMPACT);
        json_t *again = NULL;
        fuzz_claim(dump && oph__metadata_parse(dump, &again, &err) == 0,
                   "what was written is taken: %s", err.text);
        fuzz_claim(json_equal(metadata, again), "it is the same: %s", dump);
        json_decref(again);
        free(dump);
        json_decref(metadata);
    } else {
        fuzz_claim(*err.text && !metadata, "an error has a sentence");
    }
    free(text);
    return 0;
}
