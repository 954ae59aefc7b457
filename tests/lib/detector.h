/* The reference detector, as examples/pilatus.c makes it, on a simulator of its own. The IOC's disk
 * DETECTOR_DISK is a temporary folder of this machine. */
#ifndef TEST_DETECTOR_H
#define TEST_DETECTOR_H

#include "lib/check.h"
#include "lib/probe.h"
#include "lib/setpoints.h"
#include "lib/sim.h"

#include <cophyd/cophyd.h>

#define DETECTOR_DISK "/mnt/fileserver/data"

struct detector {
    struct sim *sim;
    struct probe *probe;
    oph_context *ctx;
    oph_device *det, *cam, *image, *hdf1;
    char disk[64];
    char root[128]; /* DETECTOR_DISK=disk; the simulator's, which keeps its arguments to start again
                     */
    struct setpoints *before; /* as detector_remember found them */
};

/* A simulator, of images of 64x48 pixels unless the arguments (ended by NULL) say otherwise, and a
 * probe of it. Ends the test when something fails. */
void detector_start_ioc(struct detector *d, const char *const *arguments);
/* The same with the detector, whose exposures take 10 ms; connected; setpoints remembered. */
void detector_start(struct detector *d, const char *const *arguments,
                    const oph_context_options *options);
/* Makes the device anew: its settings are as at the start. */
void detector_make(struct detector *d);
/* Frees what there is, stops the simulator and removes the disk. */
void detector_end(struct detector *d);

/* Adds the class MyPilatusDetector to a context. Ends the test when that fails. */
void detector_add_class(oph_context *ctx);

/* One testOk: all that can be written is as it was remembered, and the device is idle. */
void detector_remember(struct detector *d);
int detector_unchanged(struct detector *d, const char *after);

/* One testOk: stage, trigger, wait and unstage work, and nothing stays changed. */
int detector_works(struct detector *d, const char *when);

/* One testOk: the file of the latest acquisition has this many frames, of which the first came from
 * the camera as its number `first`, and every pixel is right. */
int detector_file_is(struct detector *d, int frames, int first, int cols, int rows);

#endif
