/* Values as documents have them: what is written is JSON, with each element in it. */
#include "core/value.h"
#include "doc/json.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static size_t count_leaves(const json_t *json)
{
    size_t count = 0, i;
    json_t *item;

    if (!json_is_array(json)) return 1;
    json_array_foreach(json, i, item) count += count_leaves(item);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    static const char *const types[] = {"array", "string", "number", "integer"};
    const int32_t dtype = OPH_INT8 + (int32_t)fuzz_below(&in, OPH_ENUM);
    const char *type = types[fuzz_below(&in, 4)];
    const uint32_t axes[] = {(uint32_t)fuzz_below(&in, 5), (uint32_t)fuzz_below(&in, 5)};
    const uint32_t count = axes[0] * axes[1];
    const struct oph__event event = {.dtype = dtype,
                                     .count = count,
                                     .data = fuzz_bytes(&in, count * oph_dtype_size(dtype)),
                                     .rank = fuzz_number(&in, 1) & 1 ? 2 : 0,
                                     .shape = axes};
    struct oph_value value = {0};
    json_t *json, *again;
    oph_error err = OPH_ERROR_INIT;

    fuzz_claim(oph__value_take(&value, &event), "there is memory");
    if (oph__json_value(&value, type, "det.a", &json, &err) == 0) {
        char *dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        fuzz_claim(dump != NULL, "it is written");
        again = json_loads(dump, JSON_DECODE_ANY, NULL);
        fuzz_claim(again && json_equal(json, again), "it is read as the same: %s", dump);
        fuzz_claim(strcmp(type, "array") || count_leaves(json) == count, "%u elements are in %s",
                   count, dump);
        json_decref(again);
        free(dump);
        json_decref(json);
    } else {
        fuzz_claim(err.code == OPH_ERANGE && dtype == OPH_UINT64, "only these may be too large");
    }
    oph__value_clear(&value);
    free((void *)(uintptr_t)event.data);
    return 0;
}
