/* Asking a process of its own for what libhdf5 does; and what that process, or this one where there
 * is none, does then. All of it in oph__h5_lock. */
#ifndef H5_ISOLATE_H
#define H5_ISOLATE_H

#include "h5/h5.h"

/* Begins the process, which opens the file as oph__hdf5_attach does. */
int oph__child_attach(oph_frames *frames, oph_error *err);
void oph__child_detach(oph_frames *frames);
/* Takes the number of frames anew. */
int oph__child_update(oph_frames *frames, oph_error *err);
bool oph__child_locate(oph_frames *frames, const hsize_t *at, int rank, struct oph__place *ret,
                       int32_t *ret_hole);
bool oph__child_read(oph_frames *frames, const struct oph__region *region, uint64_t bytes, void *to,
                     struct oph__h5_why *why);
int oph__child_column(oph_frames *frames, const char *name, bool whole, int64_t first,
                      int64_t count, void *to, int64_t *ret_count, oph_error *err);

/* open.c: opens the file and reads what its image is. */
int oph__hdf5_attach(oph_frames *frames, oph_error *err);
/* locate.c: where a chunk is, as the index says. False, and whether it was never written. */
bool oph__hdf5_locate(oph_frames *frames, const hsize_t *at, struct oph__place *ret,
                      int32_t *ret_hole);
/* read.c: a region through libhdf5's own filters. */
bool oph__hdf5_read(oph_frames *frames, const struct oph__image *image,
                    const struct oph__region *region, void *to, struct oph__h5_why *why);
/* columns.c: rows `first` on of a list, as many as there are; of H5T_NATIVE_INT64 or DOUBLE. */
int oph__column_read(oph_frames *frames, const char *name, hid_t type, int64_t first, int64_t count,
                     void *to, int64_t *ret_count, oph_error *err);

#endif
