/* What the Stats1: plugin computes. */
#include <math.h>
#include <string.h>

#include "sim/stats.h"

static const double degrees = 57.29577951308232; /* of a radian */

static double sum(const double *pixels, size_t cols, size_t first_col, size_t width,
                  size_t first_row, size_t height)
{
    double total = 0;
    for (size_t y = first_row; y < first_row + height; y++)
        for (size_t x = first_col; x < first_col + width; x++)
            total += pixels[y * cols + x];
    return total;
}

static double background(const double *pixels, size_t cols, size_t rows, size_t border)
{
    size_t width = border < cols ? border : cols, height = border < rows ? border : rows;
    double total =
        sum(pixels, cols, 0, width, 0, rows) + sum(pixels, cols, cols - width, width, 0, rows) +
        sum(pixels, cols, 0, cols, 0, height) + sum(pixels, cols, 0, cols, rows - height, height);
    return total / (2.0 * (double)width * (double)rows + 2.0 * (double)height * (double)cols);
}

void sim_statistics(const double *pixels, size_t cols, size_t rows, size_t border,
                    struct sim_statistics *ret)
{
    size_t count = cols * rows;
    double squares = 0;
    *ret = (struct sim_statistics){.min = pixels[0], .max = pixels[0]};
    for (size_t i = 0; i < count; i++) {
        double value = pixels[i];
        if (value < ret->min) {
            ret->min = value;
            ret->min_at = i;
        }
        if (value > ret->max) {
            ret->max = value;
            ret->max_at = i;
        }
        ret->total += value;
        squares += value * value;
    }
    ret->mean = ret->total / (double)count;
    ret->sigma = sqrt(fmax(squares / (double)count - ret->mean * ret->mean, 0));
    ret->net = ret->total;
    if (border > 0) ret->net -= background(pixels, cols, rows, border) * (double)count;
}

/* Moments about 0 of a profile, which is made an average of `over` pixels. */
static void moments(double *profile, size_t count, double over, double m[5])
{
    memset(m, 0, 5 * sizeof *m);
    for (size_t i = 0; i < count; i++) {
        double at = (double)i, value = profile[i];
        for (int k = 0; k < 5; k++, value *= at)
            m[k] += value;
        profile[i] /= over;
    }
}

/* Sigma, skew and kurtosis along one axis. */
static double shape(const double m[5], double *sigma, double *skew, double *kurtosis)
{
    double mean = m[1] / m[0];
    double second = m[2] / m[0] - mean * mean;
    double third = m[3] / m[0] - 3 * mean * m[2] / m[0] + 2 * mean * mean * mean;
    double fourth = m[4] / m[0] - 4 * mean * m[3] / m[0] + 6 * mean * mean * m[2] / m[0] -
                    3 * mean * mean * mean * mean;
    if (second < 0) second = 0;
    *sigma = sqrt(second);
    if (second == 0) return 0;
    *skew = third / pow(second, 1.5);
    *kurtosis = fourth / (second * second) - 3;
    return second;
}

void sim_centroid(const double *pixels, size_t cols, size_t rows, double threshold,
                  double *average_x, double *average_y, double *above_x, double *above_y,
                  struct sim_centroid *ret)
{
    double mx[5], my[5], unused[5], cross = 0;
    memset(average_x, 0, cols * sizeof *average_x);
    memset(above_x, 0, cols * sizeof *above_x);
    memset(average_y, 0, rows * sizeof *average_y);
    memset(above_y, 0, rows * sizeof *above_y);
    for (size_t y = 0; y < rows; y++) {
        for (size_t x = 0; x < cols; x++) {
            double value = *pixels++;
            average_x[x] += value;
            average_y[y] += value;
            if (value < threshold) continue;
            above_x[x] += value;
            above_y[y] += value;
            cross += value * (double)x * (double)y;
        }
    }
    moments(average_x, cols, (double)rows, unused);
    moments(average_y, rows, (double)cols, unused);
    moments(above_x, cols, (double)rows, mx);
    moments(above_y, rows, (double)cols, my);
    if (mx[0] <= 0) return;
    ret->total = mx[0];
    ret->x = mx[1] / mx[0];
    ret->y = my[1] / my[0];
    double var_x = shape(mx, &ret->sigma_x, &ret->skew_x, &ret->kurtosis_x);
    double var_y = shape(my, &ret->sigma_y, &ret->skew_y, &ret->kurtosis_y);
    double both = cross / mx[0] - ret->x * ret->y;
    if (var_x > 0 && var_y > 0) ret->sigma_xy = both / (ret->sigma_x * ret->sigma_y);
    ret->orientation = 0.5 * atan2(2 * both, var_x - var_y) * degrees;
    if (var_x + var_y > 0)
        ret->eccentricity = ((var_x - var_y) * (var_x - var_y) - 4 * both * both) /
                            ((var_x + var_y) * (var_x + var_y));
}

void sim_histogram(const double *pixels, size_t count, double low, double high, size_t size,
                   double *bins, struct sim_histogram *ret)
{
    double scale = high > low ? ((double)size - 1) / (high - low) : 0, entropy = 0;
    memset(bins, 0, size * sizeof *bins);
    *ret = (struct sim_histogram){0};
    for (size_t i = 0; i < count; i++) {
        if (pixels[i] < low) {
            ret->below++;
        } else if (!(pixels[i] <= high)) {
            ret->above++;
        } else {
            size_t bin = (size_t)((pixels[i] - low) * scale + 0.5);
            bins[bin < size ? bin : size - 1]++;
        }
    }
    for (size_t i = 0; i < size; i++)
        if (bins[i] > 0) entropy += bins[i] * log(bins[i]);
    ret->entropy = -entropy / (double)count;
}
