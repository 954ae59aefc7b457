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

struct sim_hdf5_options {
    int dtype;          /* NDDataType_t: 0 Int8 ... 4 Int32, 5 UInt32, 8 Float32, 9 Float64 */
    int64_t rows, cols; /* of one frame */
    int64_t chunk_frames, chunk_rows, chunk_cols; /* 0: whole frame, one frame a chunk */
    int compression;                              /* enum sim_compression */
    int zlevel;
    bool swmr;
    bool store_attributes; /* /entry/instrument/NDAttributes */
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
int sim_hdf5_append(struct sim_hdf5 *file, const struct sim_hdf5_frame *frame, char *why,
                    size_t why_size);
int sim_hdf5_flush(struct sim_hdf5 *file, char *why, size_t why_size);
/* Frees the file also when closing failed. */
int sim_hdf5_close(struct sim_hdf5 *file, char *why, size_t why_size);
/* Whether this build can write that compression. */
bool sim_hdf5_can(int compression);

#endif
