#include "sim/stats.h"

#include <stdlib.h>
#include <string.h>

#include <cantProceed.h>

#include "sim/plugin.h"

enum { AVERAGE, ABOVE, AT_CENTROID, AT_CURSOR, PROFILES };
enum { SMALLEST_HISTOGRAM = 1, LARGEST_HISTOGRAM = 1 << 20 };

/* In the order of the fields of struct sim_centroid. */
static const char *const centroid_names[] = {
    "CENTROID_TOTAL",  "CENTROIDX_VALUE", "CENTROIDY_VALUE",    "SIGMAX_VALUE",
    "SIGMAY_VALUE",    "SIGMAXY_VALUE",   "SKEWX_VALUE",        "SKEWY_VALUE",
    "KURTOSISX_VALUE", "KURTOSISY_VALUE", "ECCENTRICITY_VALUE", "ORIENTATION_VALUE"};
enum { CENTROIDS = sizeof centroid_names / sizeof *centroid_names };
_Static_assert(sizeof(struct sim_centroid) == CENTROIDS * sizeof(double), "a name each");

static const char *const profile_names[2][PROFILES] = {
    {"PROFILE_AVERAGE_X", "PROFILE_THRESHOLD_X", "PROFILE_CENTROID_X", "PROFILE_CURSOR_X"},
    {"PROFILE_AVERAGE_Y", "PROFILE_THRESHOLD_Y", "PROFILE_CENTROID_Y", "PROFILE_CURSOR_Y"}};

struct stats {
    struct sim_plugin plugin;
    struct sim_centroid latest;
    struct sim_array *average[2], *above[2]; /* of the latest centroid, by column and by row */
    struct sim_param *statistics_on, *centroid_on, *profiles_on, *histogram_on;
    struct sim_param *border, *min, *min_x, *min_y, *max, *max_x, *max_y, *mean, *sigma, *total,
        *net;
    struct sim_param *threshold, *centroid[CENTROIDS];
    struct sim_param *profile_size[2], *profile[2][PROFILES], *cursor_x, *cursor_y, *cursor_value;
    struct sim_param *hist_size, *hist_min, *hist_max, *hist_below, *hist_above, *hist_entropy,
        *hist, *hist_x;
};

static void statistics(struct stats *s, const double *pixels, size_t cols, size_t rows)
{
    struct sim_statistics found;
    int border = sim_get_int(s->border);
    sim_statistics(pixels, cols, rows, border > 0 ? (size_t)border : 0, &found);
    sim_set_double(s->min, found.min);
    sim_set_double(s->min_x, (double)(found.min_at % cols));
    sim_set_double(s->min_y, (double)(found.min_at / cols));
    sim_set_double(s->max, found.max);
    sim_set_double(s->max_x, (double)(found.max_at % cols));
    sim_set_double(s->max_y, (double)(found.max_at / cols));
    sim_set_double(s->mean, found.mean);
    sim_set_double(s->sigma, found.sigma);
    sim_set_double(s->total, found.total);
    sim_set_double(s->net, found.net);
}

/* A fresh one: listeners keep what they were given. */
static bool renew(struct sim_array **array, size_t count)
{
    sim_array_unref(*array);
    *array = sim_array_new_of(SIM_FLOAT64, count);
    return *array != NULL;
}

static void centroid(struct stats *s, const double *pixels, size_t cols, size_t rows)
{
    double values[CENTROIDS];
    if (!renew(&s->average[0], cols) || !renew(&s->above[0], cols) ||
        !renew(&s->average[1], rows) || !renew(&s->above[1], rows))
        return;
    sim_centroid(pixels, cols, rows, sim_get_double(s->threshold), sim_array_data(s->average[0]),
                 sim_array_data(s->average[1]), sim_array_data(s->above[0]),
                 sim_array_data(s->above[1]), &s->latest);
    memcpy(values, &s->latest, sizeof values);
    for (int i = 0; i < CENTROIDS; i++)
        sim_set_double(s->centroid[i], values[i]);
}

static size_t inside(double at, size_t size)
{
    if (!(at > 0)) return 0;
    return at < (double)size - 1 ? (size_t)at : size - 1;
}

/* One line of the frame: count pixels from first on, so far apart. */
static void line(struct sim_param *param, const double *pixels, size_t first, size_t apart,
                 size_t count)
{
    struct sim_array *array = sim_array_new_of(SIM_FLOAT64, count);
    if (!array) return;
    double *to = sim_array_data(array);
    for (size_t i = 0; i < count; i++)
        to[i] = pixels[first + i * apart];
    sim_set_array(param, array);
    sim_array_unref(array);
}

static void profiles(struct stats *s, const double *pixels, size_t cols, size_t rows)
{
    size_t x = inside(s->latest.x + 0.5, cols), y = inside(s->latest.y + 0.5, rows);
    line(s->profile[0][AT_CENTROID], pixels, y * cols, 1, cols);
    line(s->profile[1][AT_CENTROID], pixels, x, cols, rows);
    x = inside(sim_get_int(s->cursor_x), cols);
    y = inside(sim_get_int(s->cursor_y), rows);
    line(s->profile[0][AT_CURSOR], pixels, y * cols, 1, cols);
    line(s->profile[1][AT_CURSOR], pixels, x, cols, rows);
    sim_set_double(s->cursor_value, pixels[y * cols + x]);
    const size_t sizes[2] = {cols, rows};
    for (int i = 0; i < 2; i++) {
        /* Only as old as the latest centroid, and not of another size. */
        if (!s->average[i] || !s->above[i] || s->average[i]->count != sizes[i]) continue;
        sim_set_array(s->profile[i][AVERAGE], s->average[i]);
        sim_set_array(s->profile[i][ABOVE], s->above[i]);
    }
}

static void histogram(struct stats *s, const double *pixels, size_t count)
{
    struct sim_histogram found;
    struct sim_array *bins = sim_array_new_of(SIM_FLOAT64, (size_t)sim_get_int(s->hist_size));
    if (!bins) return;
    sim_histogram(pixels, count, sim_get_double(s->hist_min), sim_get_double(s->hist_max),
                  bins->count, sim_array_data(bins), &found);
    sim_set_double(s->hist_entropy, found.entropy);
    sim_set_int(s->hist_below, found.below);
    sim_set_int(s->hist_above, found.above);
    sim_set_array(s->hist, bins);
    sim_array_unref(bins);
}

static bool process(void *owner, struct sim_frame *frame)
{
    struct stats *s = owner;
    size_t cols = (size_t)frame->cols, rows = (size_t)frame->rows;
    double *pixels = malloc(cols * rows * sizeof *pixels);
    if (!pixels) return true;
    sim_element_load(frame->pixels->type, sim_array_data(frame->pixels), cols * rows, pixels);
    sim_set_int(s->profile_size[0], frame->cols);
    sim_set_int(s->profile_size[1], frame->rows);
    if (sim_get_int(s->statistics_on)) statistics(s, pixels, cols, rows);
    if (sim_get_int(s->centroid_on)) centroid(s, pixels, cols, rows);
    if (sim_get_int(s->profiles_on)) profiles(s, pixels, cols, rows);
    if (sim_get_int(s->histogram_on)) histogram(s, pixels, cols * rows);
    free(pixels);
    sim_plugin_send(&s->plugin, frame);
    return true;
}

static void set_histogram_axis(struct stats *s)
{
    double low = sim_get_double(s->hist_min), high = sim_get_double(s->hist_max);
    struct sim_array *axis = sim_array_new_of(SIM_FLOAT64, (size_t)sim_get_int(s->hist_size));
    if (!axis) return;
    double *at = sim_array_data(axis);
    for (size_t i = 0; i < axis->count; i++)
        at[i] = axis->count > 1 ? low + (double)i * (high - low) / (double)(axis->count - 1) : low;
    sim_set_array(s->hist_x, axis);
    sim_array_unref(axis);
}

static void written(void *owner, struct sim_param *param)
{
    struct stats *s = owner;
    if (param == s->hist_size) {
        int size = sim_get_int(param);
        if (size < SMALLEST_HISTOGRAM) sim_set_int(param, SMALLEST_HISTOGRAM);
        if (size > LARGEST_HISTOGRAM) sim_set_int(param, LARGEST_HISTOGRAM);
    }
    /* Not by the records' first values: as measured, the axis is undefined after boot. */
    if (sim_port_is_live(s->plugin.port) &&
        (param == s->hist_size || param == s->hist_min || param == s->hist_max))
        set_histogram_axis(s);
}

static const struct sim_plugin_ops ops = {.process = process, .written = written};

static void find_params(struct stats *s, struct sim_port *port)
{
    const struct {
        struct sim_param **param;
        const char *name;
        enum sim_type type;
    } params[] = {
        {&s->statistics_on, "COMPUTE_STATISTICS", SIM_INT},
        {&s->centroid_on, "COMPUTE_CENTROID", SIM_INT},
        {&s->profiles_on, "COMPUTE_PROFILES", SIM_INT},
        {&s->histogram_on, "COMPUTE_HISTOGRAM", SIM_INT},
        {&s->border, "BGD_WIDTH", SIM_INT},
        {&s->min, "MIN_VALUE", SIM_DOUBLE},
        {&s->min_x, "MIN_X", SIM_DOUBLE},
        {&s->min_y, "MIN_Y", SIM_DOUBLE},
        {&s->max, "MAX_VALUE", SIM_DOUBLE},
        {&s->max_x, "MAX_X", SIM_DOUBLE},
        {&s->max_y, "MAX_Y", SIM_DOUBLE},
        {&s->mean, "MEAN_VALUE", SIM_DOUBLE},
        {&s->sigma, "SIGMA_VALUE", SIM_DOUBLE},
        {&s->total, "TOTAL", SIM_DOUBLE},
        {&s->net, "NET", SIM_DOUBLE},
        {&s->threshold, "CENTROID_THRESHOLD", SIM_DOUBLE},
        {&s->profile_size[0], "PROFILE_SIZE_X", SIM_INT},
        {&s->profile_size[1], "PROFILE_SIZE_Y", SIM_INT},
        {&s->cursor_x, "CURSOR_X", SIM_INT},
        {&s->cursor_y, "CURSOR_Y", SIM_INT},
        {&s->cursor_value, "CURSOR_VAL", SIM_DOUBLE},
        {&s->hist_size, "HIST_SIZE", SIM_INT},
        {&s->hist_min, "HIST_MIN", SIM_DOUBLE},
        {&s->hist_max, "HIST_MAX", SIM_DOUBLE},
        {&s->hist_below, "HIST_BELOW", SIM_INT},
        {&s->hist_above, "HIST_ABOVE", SIM_INT},
        {&s->hist_entropy, "HIST_ENTROPY", SIM_DOUBLE},
        {&s->hist, "HIST_ARRAY", SIM_ARRAY},
        {&s->hist_x, "HIST_X_ARRAY", SIM_ARRAY},
    };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        *params[i].param = sim_port_param(port, params[i].name, params[i].type);
}

void sim_stats_new(const char *port_name)
{
    struct stats *s = callocMustSucceed(1, sizeof *s, "sim_stats_new");
    sim_plugin_init(&s->plugin, port_name, &ops, s);
    struct sim_port *port = s->plugin.port;
    find_params(s, port);
    for (int i = 0; i < CENTROIDS; i++)
        s->centroid[i] = sim_port_param(port, centroid_names[i], SIM_DOUBLE);
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < PROFILES; i++)
            s->profile[axis][i] = sim_port_param(port, profile_names[axis][i], SIM_ARRAY);
}
