/* What the files of this folder share. What calls libhdf5 runs inside oph__h5_lock. */
#ifndef H5_H5_H
#define H5_H5_H

#include <cophyd/frames.h>

#include "h5/pool.h"

#include <hdf5.h>
#include <stdatomic.h>
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

enum oph__form { OPH__FORM_HDF5, OPH__FORM_TIFF, OPH__FORM_CBF };

/* Where a chunk is in the file. */
struct oph__place {
    uint64_t address;
    uint64_t size;
    uint32_t skipped; /* a bit for each filter that was left out for this chunk */
};

/* A local file, open for reading on a descriptor that holds no lock. */
struct oph__source {
    const char *path; /* borrowed */
    int fd;           /* -1: not open */
    enum oph__form form;
    bool swmr;                /* its writer lets others read */
    bool no_room;             /* there was no memory to open it */
    struct stat stat;         /* when it was probed */
    struct oph__place *place; /* not NULL: reads of pixels only tell where; see source.c */
};

/* Opens source->path. Leaves the descriptor open only where it returns OPH__H5_READY; otherwise
 * found[size] says what is the matter. */
enum oph__h5_seen oph__source_open(struct oph__source *source, char *found, size_t size);
/* False when somebody wrote to the file after it was probed, or does so now. */
bool oph__source_is_steady(const struct oph__source *source);
/* Whether its SWMR writer has closed it. A killed one never does. */
bool oph__source_is_closed(const struct oph__source *source);
void oph__source_close(struct oph__source *source);

/* --- source.c: libhdf5's way to the file */

/* Opens the HDF5 file on the source's descriptor; negative, and why, where it fails. */
hid_t oph__source_h5(struct oph__source *source, struct oph__h5_why *why);
/* Reads outside of libhdf5, in any thread. Less than `size` where the file ends; or fails, and
 * errno is not 0. */
size_t oph__source_fetch(const struct oph__source *source, uint64_t address, void *to, size_t size);

/* --- filters.c */

enum { OPH__BLOSC = 32001, OPH__LZ4 = 32004, OPH__BITSHUFFLE = 32008 };
enum { OPH__BYTE_OFFSET = H5Z_FILTER_MAX + 1 }; /* CBF's: no filter of HDF5 */
/* Bitshuffle's values, and its codecs. */
enum { OPH__BITSHUFFLE_ITEM = 2, OPH__BITSHUFFLE_BLOCK, OPH__BITSHUFFLE_CODEC };
enum { OPH__BITSHUFFLE_LZ4 = 2 };
enum { OPH__FILTER_VALUES = 8 };

struct oph__filter {
    H5Z_filter_t id;
    unsigned values[OPH__FILTER_VALUES]; /* 0 where the file has fewer */
};
struct oph__filters {
    int count;
    struct oph__filter at[H5Z_MAX_NFILTERS];
    char text[128]; /* "shuffle+deflate" */
};

void oph__filters_read(hid_t create_plist, struct oph__filters *ret);
/* Whether oph__undo undoes them, for elements of `item` bytes. */
bool oph__filters_are_ours(const struct oph__filters *filters, size_t item);
/* The first that libhdf5 cannot undo, with a name of at most 32 bytes; or 0. */
H5Z_filter_t oph__filters_lack(const struct oph__filters *filters, char name[static 32]);
/* The command that installs it. */
const char *oph__filter_remedy(H5Z_filter_t id);

/* --- undo.c: filters of one chunk, in any thread */

/* Fills out[out_size], the plain chunk, from the chunk as the file has it. NULL, or what is the
 * matter. Never writes outside of `out`. */
const char *oph__undo(const struct oph__filters *filters, uint32_t skipped, size_t item,
                      struct oph__lane *lane, const void *in, size_t in_size, void *out,
                      size_t out_size);
/* What is the matter, where it is memory: OPH_ENOMEM, and no fault of the file. */
extern const char oph__no_room[];
/* The decoders; false: damaged. `block` is in elements, 0: bitshuffle's choice. */
bool oph__undo_lz4(const void *in, size_t in_size, void *out, size_t out_size);
bool oph__undo_bitshuffle(size_t item, size_t block, const void *in, size_t in_size, void *out,
                          size_t out_size);
/* NULL, or what is the matter. */
const char *oph__undo_bitshuffle_lz4(size_t item, struct oph__room *room, const void *in,
                                     size_t in_size, void *out, size_t out_size);

/* In cbf.c, of int32. */
bool oph__undo_byte_offset(const void *in, size_t in_size, void *out, size_t out_size);

/* --- image.c: what the dataset is */

/* Axes are those of the frames: a dataset [y, x] counts as [1, y, x]. */
struct oph__image {
    enum oph_dtype dtype;
    hid_t type; /* native, predefined */
    size_t item_bytes;
    bool swapped; /* the file's byte order is the other one */
    bool theirs; /* libhdf5 alone reads it: elements in neither order's plain form, or chunks at the
                  * edges that are stored without the filters */
    int rank;
    int lifted; /* 1: the first axis is ours, not the dataset's */
    hsize_t dims[OPH__H5_RANK];
    hsize_t most[OPH__H5_RANK]; /* what they may become */
    uint64_t frame_bytes;
    H5D_layout_t layout;
    /* Pixels that stand in the file one after the other count as a chunk a frame. */
    hsize_t chunk[OPH__H5_RANK];
    size_t chunk_bytes;
    haddr_t address;       /* of the first such frame, or HADDR_UNDEF */
    uint64_t stored_bytes; /* of each such frame in the file */
    bool is_ours;          /* read and decoded here, without libhdf5 */
    struct oph__filters filters;
};

/* Checks everything that a read relies on; a damaged file has any number anywhere. */
int oph__image_read(hid_t dataset, const struct oph__source *source, const char *name,
                    struct oph__image *ret, oph_error *err);
/* Checks what is said of an image, and sets what follows from it. */
int oph__image_check(const struct oph__source *source, const char *name, struct oph__image *image,
                     oph_error *err);
/* Takes the number of frames anew. */
int oph__image_update(hid_t dataset, const struct oph__source *source, const char *name,
                      struct oph__image *image, oph_error *err);

/* --- The handle; follow.c wakes */

/* What says that there may be something new. */
struct oph__wake {
    int event;   /* oph_frames_wake's; -1: none */
    int changes; /* the file's, by inotify; -1: none */
};
void oph__wake_init(struct oph__wake *wake);
int oph__wake_begin(struct oph__wake *wake, const struct oph__source *source, oph_error *err);
void oph__wake_end(struct oph__wake *wake);

/* The process that has libhdf5, where that is apart; isolate.c. */
struct oph__child {
    pid_t pid;
    int line, data;  /* requests and answers; what is too long for those. -1: it is gone */
    char why[128];   /* then, why */
    double patience; /* seconds for an answer */
};

struct oph_frames {
    atomic_int holders; /* the user, and iterators */
    bool is_apart;
    struct oph__child child;
    char *file;
    char *name; /* of the dataset */
    struct oph__source source;
    hid_t h5;
    hid_t dataset;
    struct oph__image image; /* under oph__h5_lock */
    struct oph__pool pool;
    struct oph__wake wake; /* of a file with a SWMR writer */
};

/* OPH_EINVAL without frames, OPH_EFORK in a child of the process that opened them. */
int oph__frames_usable(const oph_frames *frames, const char *call, oph_error *err);
/* A file with a SWMR writer grows; any other must be as it was when it was opened. In the lock. */
int oph__frames_look(oph_frames *frames, oph_error *err);
/* The same from outside of the lock, with the image as it is then. */
int oph__frames_now(oph_frames *frames, struct oph__image *ret, oph_error *err);
void oph__frames_release(oph_frames *frames);

/* --- pieces.c: which chunks a part of the dataset is made of. No file is touched. */

/* Elements from `low` on, before `high`; axis 0 is the frames'. */
struct oph__region {
    hsize_t low[OPH__H5_RANK], high[OPH__H5_RANK];
};
uint64_t oph__region_items(const struct oph__image *image, const struct oph__region *region);

struct oph__piece {
    hsize_t at[OPH__H5_RANK]; /* the chunk's first element */
    uint64_t number;          /* in the order of the walk */
};
/* The first chunk of a region that is not empty, and the next: false after the last. */
void oph__piece_start(const struct oph__image *image, const struct oph__region *region,
                      struct oph__piece *piece);
bool oph__piece_advance(const struct oph__image *image, const struct oph__region *region,
                        struct oph__piece *piece);
uint64_t oph__piece_count(const struct oph__image *image, const struct oph__region *region);
/* The first of its frames that are wanted. */
hsize_t oph__piece_frame(const struct oph__region *region, const struct oph__piece *piece);
/* Whether the chunk lies in the region as one run of elements; then where, from its beginning. */
bool oph__piece_is_whole(const struct oph__image *image, const struct oph__region *region,
                         const struct oph__piece *piece, uint64_t *ret_element);
/* The elements of the chunk from the first that is wanted to after the last. */
void oph__piece_span(const struct oph__image *image, const struct oph__region *region,
                     const struct oph__piece *piece, uint64_t *ret_first, uint64_t *ret_end);
/* Copies what is wanted of a plain chunk to its places in the region's elements. */
void oph__piece_copy(const struct oph__image *image, const struct oph__region *region,
                     const struct oph__piece *piece, const unsigned char *chunk, unsigned char *to);

/* --- frames.c */

/* Checks a request against the file as it is now. `from` and `size`: of each axis after the
 * frames', or NULL: all. */
int oph__frames_region(oph_frames *frames, int64_t first, int64_t count, const int64_t *from,
                       const int64_t *size, struct oph__image *ret_image,
                       struct oph__region *ret_region, oph_error *err);

/* --- locate.c */

/* Where the chunk is in the file: NULL, or what is the matter. In the lock. */
const char *oph__locate(oph_frames *frames, const struct oph__image *image,
                        const struct oph__piece *piece, struct oph__place *ret);

/* --- read.c: one request */

struct oph__read {
    struct oph__work work; /* the pool's, and first */
    oph_frames *frames;
    struct oph__image image; /* when it began */
    struct oph__region region;
    unsigned char *buffer;
    bool posted;
    pthread_mutex_t lock; /* of what follows */
    struct oph__piece next;
    bool more;
    int rc;
    uint64_t failed; /* the first piece that failed */
    oph_error err;
};

/* Begins to fill `buffer`, which is large enough. `ahead`: somebody else's thread should do it. */
void oph__read_begin(struct oph__read *read, oph_frames *frames, const struct oph__image *image,
                     const struct oph__region *region, void *buffer, bool ahead);
/* Waits for it, and helps. */
int oph__read_finish(struct oph__read *read, oph_error *err);
/* Waits for what was begun of it, and drops the rest. */
void oph__read_cancel(struct oph__read *read);

/* --- columns.c */

/* As oph_frames_stamps, of a range that was checked. */
int oph__stamps_read(oph_frames *frames, int64_t first, int64_t count, oph_frame_stamp *ret,
                     oph_error *err);

#endif
