/* The Stats1: plugin (the NDStats template): what it computes of each frame, as NDPluginStats
 * computes it. Its time series are idle. */
#ifndef SIM_STATS_H
#define SIM_STATS_H

#include <stddef.h>

void sim_stats_new(const char *port_name);

/* The computations themselves, of rows * cols pixels. */

struct sim_statistics {
    double min, max, total, net, mean, sigma;
    size_t min_at, max_at; /* row * cols + col, of the first such pixel */
};
/* The border that net leaves out is so many pixels wide; its corners count twice, as in ADCore. */
void sim_statistics(const double *pixels, size_t cols, size_t rows, size_t border,
                    struct sim_statistics *ret);

struct sim_centroid {
    double total, x, y, sigma_x, sigma_y, sigma_xy, skew_x, skew_y, kurtosis_x, kurtosis_y,
        eccentricity, orientation;
};
/* Averages over all pixels, and over those from the threshold on, by column and by row; ret keeps
 * what has no value in this frame. */
void sim_centroid(const double *pixels, size_t cols, size_t rows, double threshold,
                  double *average_x, double *average_y, double *above_x, double *above_y,
                  struct sim_centroid *ret);

struct sim_histogram {
    int below, above;
    double entropy;
};
/* size bins, whose middles are evenly spread from low to high. */
void sim_histogram(const double *pixels, size_t count, double low, double high, size_t size,
                   double *bins, struct sim_histogram *ret);

#endif
