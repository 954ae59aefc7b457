/* Element types of values, frames and images. */
#ifndef COPHYD_DTYPE_H
#define COPHYD_DTYPE_H

#include <cophyd/api.h>

OPH_BEGIN_DECLS

enum oph_dtype {
    OPH_NONE = 0,
    OPH_INT8 = 1,
    OPH_UINT8 = 2,
    OPH_INT16 = 3,
    OPH_UINT16 = 4,
    OPH_INT32 = 5,
    OPH_UINT32 = 6,
    OPH_INT64 = 7,
    OPH_UINT64 = 8,
    OPH_FLOAT32 = 9,
    OPH_FLOAT64 = 10,
    OPH_TEXT = 11,   /* Channel Access: 40 bytes each, NUL-terminated */
    OPH_ENUM = 12,   /* Channel Access: a uint16_t index with labels */
    OPH_STRING = 13, /* in oph_data alone: pointers to C strings */
    OPH_DTYPE_PIN_ = INT32_MIN
};

/* "int32", "float64", "text", "enum"; "none" for anything else. Static. */
OPH_API const char *oph_dtype_name(int32_t dtype);
/* Bytes of one element: 40 for text, 2 for enum, 0 for none. */
OPH_API size_t oph_dtype_size(int32_t dtype);

OPH_END_DECLS

#endif
