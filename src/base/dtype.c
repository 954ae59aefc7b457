#include <cophyd/dtype.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [OPH_NONE] = {"none", 0},       [OPH_INT8] = {"int8", 1},       [OPH_UINT8] = {"uint8", 1},
    [OPH_INT16] = {"int16", 2},     [OPH_UINT16] = {"uint16", 2},   [OPH_INT32] = {"int32", 4},
    [OPH_UINT32] = {"uint32", 4},   [OPH_INT64] = {"int64", 8},     [OPH_UINT64] = {"uint64", 8},
    [OPH_FLOAT32] = {"float32", 4}, [OPH_FLOAT64] = {"float64", 8}, [OPH_TEXT] = {"text", 40},
    [OPH_ENUM] = {"enum", 2},
};

static int32_t known(int32_t dtype)
{
    return dtype > OPH_NONE && dtype <= OPH_ENUM ? dtype : OPH_NONE;
}

const char *oph_dtype_name(int32_t dtype)
{
    return dtypes[known(dtype)].name;
}

size_t oph_dtype_size(int32_t dtype)
{
    return dtypes[known(dtype)].size;
}
