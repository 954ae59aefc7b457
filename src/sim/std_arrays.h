/* The image1: plugin (the NDStdArrays template): the pixels as a waveform. */
#ifndef SIM_STD_ARRAYS_H
#define SIM_STD_ARRAYS_H

void sim_std_arrays_new(const char *port_name);

#endif
