/* HDF5's Blosc filter, number 32001, for the process that calls this. */
#ifndef SIM_HDF5_BLOSC_H
#define SIM_HDF5_BLOSC_H

#include <stdbool.h>
#include <stddef.h>

enum { SIM_FILTER_BLOSC = 32001, SIM_BLOSC_VALUES = 7 };

/* False: this build has no Blosc. Takes the place of a plugin; may be called again. */
bool sim_hdf5_blosc_register(void);

/* The filter's values for chunks of so many bytes, of elements of so many. */
void sim_hdf5_blosc_values(size_t element, size_t chunk, int level, int shuffle, int compressor,
                           unsigned values[SIM_BLOSC_VALUES]);

#endif
