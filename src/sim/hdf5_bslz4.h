/* HDF5's filter of bitshuffle and LZ4, number 32008, for the process that calls this. */
#ifndef SIM_HDF5_BSLZ4_H
#define SIM_HDF5_BSLZ4_H

#include <stdbool.h>
#include <stddef.h>

enum { SIM_FILTER_BSLZ4 = 32008, SIM_BSLZ4_VALUES = 5 };

/* False: this build has no LZ4. Takes the place of a plugin; may be called again. */
bool sim_hdf5_bslz4_register(void);

/* The filter's values for elements of that many bytes. */
void sim_hdf5_bslz4_values(size_t element, unsigned values[SIM_BSLZ4_VALUES]);

#endif
