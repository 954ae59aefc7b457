/* What NDFileHDF5 puts into a file besides pixels. */
#ifndef SIM_HDF5_LAYOUT_H
#define SIM_HDF5_LAYOUT_H

#include <hdf5.h>
#include <stdbool.h>

bool sim_hdf5_add_text(hid_t object, const char *name, const char *text);
bool sim_hdf5_add_ints(hid_t object, const char *name, hsize_t count, const int *values);
bool sim_hdf5_add_groups(hid_t file);

/* A dataset of one row for each frame, which grows; columns 0: a row is one value. Negative when
 * HDF5 refuses. */
hid_t sim_hdf5_add_rows(hid_t file, const char *group, const char *name, hid_t type,
                        hsize_t columns, hsize_t chunk);

#endif
