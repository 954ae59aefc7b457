/* What the files of this folder share. All of it runs inside oph__h5_lock, but for the probe. */
#ifndef H5_H5_H
#define H5_H5_H

#include <cophyd/frames.h>

#include <hdf5.h>
#include <stdbool.h>
#include <sys/stat.h>

enum { OPH__H5_RANK = 10 };

/* libhdf5 is built without threads more often than not, so one call at a time runs in a process. A
 * program that calls the same libhdf5 itself, from other threads, needs a thread-safe build. */
void oph__h5_lock(void);
void oph__h5_unlock(void);

/* The innermost reason of the HDF5 call that has just failed, as " (HDF5: ...)"; or "". */
struct oph__h5_why {
    char text[200];
};
struct oph__h5_why oph__h5_why(void);

/* "wanted WANTED in FILE, found FOUND". */
int oph__h5_fail(oph_error *err, int code, const char *file, const char *wanted, const char *found,
                 ...) __attribute__((format(printf, 5, 6)));

/* --- probe.c: may this file be opened now? */

enum oph__h5_seen {
    OPH__H5_READY,
    OPH__H5_ABSENT, /* worth another try */
    OPH__H5_BUSY,   /* worth another try */
    OPH__H5_BROKEN
};

/* A local file, open for reading on a descriptor that holds no lock. */
struct oph__source {
    const char *path; /* borrowed */
    int fd;           /* -1: not open */
    bool swmr;        /* its writer lets others read */
    struct stat stat; /* when it was probed */
    uint64_t limit;   /* the most bytes that one read of pixels may return; see source.c */
};

/* Opens source->path. Leaves the descriptor open only where it returns OPH__H5_READY; otherwise
 * found[size] says what is the matter. */
enum oph__h5_seen oph__source_open(struct oph__source *source, char *found, size_t size);
/* False when somebody wrote to the file after it was probed, or does so now. */
bool oph__source_is_steady(const struct oph__source *source);
void oph__source_close(struct oph__source *source);

/* --- source.c: libhdf5's way to the file */

/* Opens the HDF5 file on the source's descriptor; negative, and why, where it fails. */
hid_t oph__source_h5(struct oph__source *source, struct oph__h5_why *why);

/* --- filters.c */

struct oph__filters {
    int count;
    H5Z_filter_t id[H5Z_MAX_NFILTERS];
    char text[128]; /* "shuffle+deflate" */
};

void oph__filters_read(hid_t create_plist, struct oph__filters *ret);
/* Whether this folder undoes them itself, without libhdf5. */
bool oph__filters_are_ours(const struct oph__filters *filters);
/* The first that libhdf5 cannot undo, with a name of at most 32 bytes; or 0. */
H5Z_filter_t oph__filters_lack(const struct oph__filters *filters, char name[static 32]);

/* Undoes LZ4 for one chunk as the file has it. False: it is damaged. Never writes outside of out.
 */
bool oph__lz4_decode(const void *in, size_t in_size, void *out, size_t out_size);

/* --- image.c: what the dataset is */

/* Axes are those of the frames: a dataset [y, x] counts as [1, y, x]. */
struct oph__image {
    enum oph_dtype dtype;
    hid_t type; /* native, predefined */
    size_t item_bytes;
    bool swapped; /* the file's byte order is the other one */
    bool packed;  /* the elements in the file are neither order's plain form */
    int rank;
    int lifted; /* 1: the first axis is ours, not the dataset's */
    hsize_t dims[OPH__H5_RANK];
    hsize_t most[OPH__H5_RANK]; /* what they may become */
    uint64_t frame_bytes;
    H5D_layout_t layout;
    hsize_t chunk[OPH__H5_RANK]; /* where layout is H5D_CHUNKED */
    size_t chunk_bytes;
    struct oph__filters filters;
};

/* Checks everything that a read relies on; a damaged file has any number anywhere. */
int oph__image_read(hid_t dataset, const struct oph__source *source, const char *name,
                    struct oph__image *ret, oph_error *err);
/* Takes the number of frames anew. */
int oph__image_update(hid_t dataset, const struct oph__source *source, const char *name,
                      struct oph__image *image, oph_error *err);

/* --- The handle */

struct oph__room {
    unsigned char *at;
    size_t size;
};

struct oph_frames {
    char *file;
    char *name; /* of the dataset */
    struct oph__source source;
    hid_t h5;
    hid_t dataset;
    struct oph__image image;
    struct oph__room stored; /* a chunk as the file has it */
    struct oph__room plain;  /* a chunk that is only partly wanted */
};

/* --- chunks.c */

/* Copies frames from chunks that need no libhdf5 to be decoded. The range was checked. */
int oph__chunks_read(oph_frames *frames, hsize_t first, hsize_t count, unsigned char *buffer,
                     oph_error *err);
/* Fails when a chunk of these frames was never written. */
int oph__chunks_check(oph_frames *frames, hsize_t first, hsize_t count, oph_error *err);

#endif
