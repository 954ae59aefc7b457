/* The types of HDF5 that its declarations here have, for what calls none of it. */
#ifndef PLATFORMS_HDF5_H
#define PLATFORMS_HDF5_H

#include <stdint.h>

typedef int64_t hid_t;
typedef uint64_t hsize_t;
typedef uint64_t haddr_t;
typedef int H5Z_filter_t;
typedef enum { H5D_COMPACT, H5D_CONTIGUOUS, H5D_CHUNKED, H5D_VIRTUAL } H5D_layout_t;

#define H5Z_FILTER_DEFLATE 1
#define H5Z_FILTER_SHUFFLE 2
#define H5Z_FILTER_MAX 65535
#define H5Z_MAX_NFILTERS 32

#endif
