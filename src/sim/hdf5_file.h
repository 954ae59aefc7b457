/* One HDF5 file in the layout of ADCore's NDFileHDF5. Knows no EPICS. */
#ifndef SIM_HDF5_FILE_H
#define SIM_HDF5_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The labels of the Compression record, in their order (ADCore 3.14). */
enum sim_compression {
    SIM_NONE,
    SIM_NBIT,
    SIM_SZIP,
    SIM_ZLIB,
    SIM_BLOSC,
    SIM_BSLZ4,
    SIM_LZ4,
    SIM_JPEG
};

/* Extra dimensions beside the frames' own number, and all dimensions that a file can have. */
enum { SIM_HDF5_EXTRA = 9, SIM_HDF5_DIMS = SIM_HDF5_EXTRA + 3 };

struct sim_hdf5_options {
    int dtype;          /* NDDataType_t: 0 Int8 ... 4 Int32, 5 UInt32, 8 Float32, 9 Float64 */
    int64_t rows, cols; /* of one frame; rows 0: it has one dimension, cols */
    int64_t chunk_frames, chunk_rows, chunk_cols; /* 0: whole frame, one frame a chunk */
    int compression;                              /* enum sim_compression */
    int zlevel;
    int nbit_precision, nbit_offset;
    int szip_pixels;
    int blosc_level, blosc_shuffle, blosc_compressor;
    bool single;                      /* one frame alone, without a dimension of frames */
    int extra;                        /* above 0: frames lie in a grid of 1 + extra dimensions */
    int64_t grid[1 + SIM_HDF5_EXTRA]; /* its sizes, the fastest first */
    int64_t align, align_threshold;   /* of objects of so many bytes; 0: none */
    int attribute_chunk;              /* 0: 16 */
    double fill;
    int offset[2], binning[2], reverse[2]; /* of the columns, of the rows */
    bool swmr;
    bool store_attributes;  /* /entry/instrument/NDAttributes */
    bool store_performance; /* /entry/instrument/performance */
};

struct sim_hdf5_frame {
    const void *pixels;
    int32_t unique_id;
    double timestamp;               /* NDArray timeStamp */
    uint32_t epics_sec, epics_nsec; /* EPICS epoch, 1990 */
};

struct sim_hdf5;

/* All return 0, or -1 with one sentence in why. An unknown or unavailable compression fails in
 * create. */
int sim_hdf5_create(const char *path, const struct sim_hdf5_options *options, struct sim_hdf5 **ret,
                    char *why, size_t why_size);
/* Fails when the grid is full. */
int sim_hdf5_append(struct sim_hdf5 *file, const struct sim_hdf5_frame *frame, char *why,
                    size_t why_size);
int sim_hdf5_flush(struct sim_hdf5 *file, char *why, size_t why_size);
/* Frees the file also when closing failed. */
int sim_hdf5_close(struct sim_hdf5 *file, char *why, size_t why_size);
/* Whether this build can write that compression. */
bool sim_hdf5_can(int compression);

#endif
