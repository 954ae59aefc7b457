/* The HDF1: plugin (the NDFileHDF5 template). */
#ifndef SIM_HDF5_PLUGIN_H
#define SIM_HDF5_PLUGIN_H

struct sim_hdf5_plugin;

struct sim_hdf5_plugin *sim_hdf5_plugin_new(const char *port_name);
void sim_hdf5_plugin_stop(struct sim_hdf5_plugin *plugin); /* closes its file */

#endif
