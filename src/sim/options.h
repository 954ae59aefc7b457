/* The command line of cophyd-sim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum sim_class { SIM_PILATUS, SIM_SIMDETECTOR };

struct sim_options {
    const char *prefix;
    enum sim_class class; /* of the camera */
    int cols, rows;
    int port; /* 0: find a free one */
    int ad;   /* the release of ADCore, 3.ad */
    double exposure;
    char raw[256]; /* where camserver writes; ends with a slash, or empty */
    int raw_files; /* of these the newest stay; 0: all */
    bool instant;  /* no delays but exposures and periods */
    bool verbose;
};

enum sim_parsed { SIM_RUN, SIM_SHOWN, SIM_WRONG };

/* Gives the write roots to sim_path_add_root and the faults to sim_fault_parse. SIM_WRONG: one
 * sentence in why. */
enum sim_parsed sim_options_parse(int argc, char **argv, struct sim_options *ret, char *why,
                                  size_t why_size);

#endif
