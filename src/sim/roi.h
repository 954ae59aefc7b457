/* The ROI1: plugin (the NDROI template): a part of each frame, binned, reversed, scaled, of another
 * type. */
#ifndef SIM_ROI_H
#define SIM_ROI_H

void sim_roi_new(const char *port_name);

#endif
