/* HDF5's LZ4 filter, number 32004, for the process that calls this. */
#ifndef SIM_HDF5_LZ4_H
#define SIM_HDF5_LZ4_H

#include <stdbool.h>

enum { SIM_FILTER_LZ4 = 32004 };

/* False: this build has no LZ4. Takes the place of a plugin; may be called again. */
bool sim_hdf5_lz4_register(void);

#endif
