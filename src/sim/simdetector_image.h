/* The images of ADSimDetector, in mono, by its formulas. With x and y counted from 0 on the whole
 * sensor, n the frames since the last reset, counted from 0, and trunc cutting to a whole number:
 *
 *   LinearRamp    trunc(i * (GainX * x + GainY * y)) + n * i, where i = trunc(Gain * AcquireTime *
 *                 1000)
 *   Peaks         the sum over PeakNumX times PeakNumY peaks of trunc(v * Gain * GainX * gx * GainY
 *                 * gy), where gx = exp(-((x - PeakStartX - j * PeakStepX) / PeakWidthX)^2 / 2), gy
 *                 the same for y, both to four widths, and v = 1, or with PeakVariation between
 *                 1.01 and 1 + PeakVariation / 100 by chance
 *   Sine          trunc(Gain * (sx + sy)), where sx is XSine1 and XSine2, added or multiplied: each
 *                 Amplitude * sin(2 pi * (GainX * (n + x / MaxSizeX) * Frequency + Phase / 360))
 *   Offset&Noise  Offset plus Noise by a number from 0 to 1 by chance
 *
 * What does not fit into DataType is cut to its bits. SimMode, DataType, ColorMode and all settings
 * that the plain camera lacks reset. */
#ifndef SIM_SIMDETECTOR_IMAGE_H
#define SIM_SIMDETECTOR_IMAGE_H

#include <stdbool.h>

#include "sim/array.h"
#include "sim/port.h"

enum {
    SIM_IMAGE_NUMBERS = 27 /* the settings that a formula uses */
};

struct sim_image {
    int cols, rows; /* of the sensor */
    long frames;    /* since the last reset */
    double first_step, added;
    unsigned seed;
    struct sim_param *reset, *data_type, *mode, *operation[2], *min[2], *size[2],
        *number[SIM_IMAGE_NUMBERS];
};

void sim_image_init(struct sim_image *image, struct sim_port *port, int cols, int rows);
/* Whether a write of this parameter resets. */
bool sim_image_resets(const struct sim_image *image, const struct sim_param *param);
/* The next frame, of the part of the sensor that is read. NULL without memory. */
struct sim_frame *sim_image_next(struct sim_image *image, int32_t unique_id);

#endif
