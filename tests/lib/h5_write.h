/* HDF5 files for tests, made with plain HDF5 calls. */
#ifndef TESTS_H5_WRITE_H
#define TESTS_H5_WRITE_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

struct h5_options {
    const char *dataset; /* NULL: /entry/data/data */
    hid_t type;          /* in the file */
    hid_t memory;        /* of the pixels that are given */
    int rank;            /* 3 */
    hsize_t dims[4];
    hsize_t chunk[4]; /* all 0: contiguous */
    bool shuffle;
    int deflate;       /* level, 0: none */
    unsigned lz4;      /* block size of LZ4, 0: none */
    int bitshuffle;    /* 1: alone, 2: with LZ4 */
    unsigned block;    /* its elements a block, 0: its own choice */
    const char *blosc; /* its codec; NULL: no Blosc */
    int blosc_shuffle; /* 0: none, 1: bytes, 2: bits */
    int filter;        /* one more filter that is only named, 0: none */
    unsigned left_out; /* the filter mask of these chunks: 1 is the first filter */
    hsize_t hole;      /* this frame and those of its chunks are not written, 0: all are */
    hsize_t user_block;
    bool swmr;        /* the newest format */
    bool plain_edges; /* chunks at the edges without filters; of the newest format alone */
};

/* Each returns false when HDF5 refuses. `pixels` NULL writes none. */
bool h5_write(const char *path, const struct h5_options *options, const void *pixels);
/* The same, still open; close with H5Fclose. Negative where HDF5 refuses. */
hid_t h5_write_open(const char *path, const struct h5_options *options, const void *pixels);

/* One chunk in HDF5's LZ4 framing, malloc'ed. Blocks that do not shrink are stored. */
unsigned char *h5_lz4_encode(const void *in, size_t size, unsigned block, size_t *ret_size);
/* One chunk of bitshuffle, malloc'ed; a bit at a time, as the format defines it. */
unsigned char *h5_bitshuffle_encode(const void *in, size_t size, size_t item, unsigned block,
                                    bool lz4, size_t *ret_size);

#endif
