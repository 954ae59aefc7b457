/* The TIFF1: plugin (the NDFileTIFF template). */
#ifndef SIM_TIFF_PLUGIN_H
#define SIM_TIFF_PLUGIN_H

void sim_tiff_plugin_new(const char *port_name);

#endif
