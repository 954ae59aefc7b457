/* The compressions of HDF5 files: what this build can do, and what it takes in HDF5. */
#ifndef SIM_HDF5_FILTERS_H
#define SIM_HDF5_FILTERS_H

#include <hdf5.h>

#include "sim/hdf5_file.h"

/* Adds the filter to the list that a dataset is created with, whose chunks are set; N-bit changes
 * the type, which is the caller's. False when HDF5 refuses. */
bool sim_hdf5_add_filter(const struct sim_hdf5_options *options, hid_t type, hid_t plist);

/* Whether this build can write that compression. */
bool sim_hdf5_has_filter(int compression);

#endif
