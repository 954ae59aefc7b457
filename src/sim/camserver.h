/* Camserver, which runs the detector and writes its images as files: what it does between an
 * exposure command and its end. The driver (acquire.c) only sees the files. */
#ifndef SIM_CAMSERVER_H
#define SIM_CAMSERVER_H

#include "sim/array.h"
#include "sim/options.h"
#include "sim/path.h"
#include "sim/trigger.h"

enum sim_trigger_mode {
    SIM_INTERNAL,
    SIM_EXT_ENABLE,   /* each image is exposed as long as the gate is high */
    SIM_EXT_TRIGGER,  /* one pulse starts the series */
    SIM_MULT_TRIGGER, /* one pulse an exposure */
    SIM_ALIGNMENT     /* as internal; the driver asks again and again */
};

struct sim_exposure {
    enum sim_trigger_mode mode;
    int images, exposures; /* exposures summed to an image */
    double time, period, delay;
    double start; /* of the series, on sim_now's clock; external modes set it themselves */
    double ready; /* the end of the readout before */
    int gates;    /* used up */
    char name[SIM_PATH_SIZE]; /* as commanded */
    int first, digits;        /* of the names of a series */
    char head[SIM_PATH_SIZE], extension[10];
};

/* The exposure command. -1: there is no such folder, or no name for the file. */
int sim_camserver_start(struct sim_exposure *exposure);

/* Waits, at most until then, for the end of image i, counted from 0; then the file is due. */
enum sim_woken sim_camserver_wait(struct sim_exposure *exposure, struct sim_trigger *trigger, int i,
                                  double then);

/* The file of image i. */
void sim_camserver_name(const struct sim_exposure *exposure, int i, char *ret, size_t size);

/* Writes that file; removes the oldest of its own beyond options->raw_files. 0 or -1. */
int sim_camserver_write(const struct sim_exposure *exposure, const char *name,
                        const struct sim_frame *frame, const struct sim_options *options);

#endif
