#include "sim/roi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cantProceed.h>

#include "sim/plugin.h"

enum { X, Y, Z, DIMS };
enum { AUTOMATIC = 10, ANY = -1 }; /* of DataTypeOut, by place and by value */

struct roi {
    struct sim_plugin plugin;
    struct sim_param *min[DIMS], *size[DIMS], *bin[DIMS], *reverse[DIMS], *enable[DIMS],
        *auto_size[DIMS], *max_size[DIMS];
    struct sim_param *type, *scale_on, *scale, *collapse, *size_z;
};

/* What is taken of one dimension. */
struct part {
    int min, size, bin;
    bool reverse;
};

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* Settings that do not fit the frame are made to fit, and their readbacks say so. */
static struct part part_of(struct roi *r, int d, int whole)
{
    struct part p = {0, whole, 1, sim_get_int(r->reverse[d]) != 0};
    sim_set_int(r->max_size[d], whole);
    if (!sim_get_int(r->enable[d])) return p;
    p.min = clamp(sim_get_int(r->min[d]), 0, whole - 1);
    p.size = sim_get_int(r->auto_size[d]) ? whole : sim_get_int(r->size[d]);
    p.size = clamp(p.size, 1, whole - p.min);
    p.bin = clamp(sim_get_int(r->bin[d]), 1, p.size);
    sim_set_int(r->min[d], p.min);
    sim_set_int(r->size[d], p.size);
    sim_set_int(r->bin[d], p.bin);
    return p;
}

static struct sim_dim dim_of(struct sim_dim in, const struct part *p)
{
    return (struct sim_dim){in.offset + p->min, in.binning * p->bin, in.reverse != p->reverse};
}

/* One row of the result, as sums of the pixels that are binned into each of its pixels. */
static void sum_row(const struct sim_frame *in, const struct part *x, int first_row, int rows,
                    double *line, double *sums)
{
    size_t size = sim_element_size(in->pixels->type);
    int cols = x->size / x->bin;
    memset(sums, 0, (size_t)cols * sizeof *sums);
    for (int row = first_row; row < first_row + rows; row++) {
        size_t at = (size_t)row * (size_t)in->cols + (size_t)x->min;
        sim_element_load(in->pixels->type, (char *)sim_array_data(in->pixels) + at * size,
                         (size_t)x->size, line);
        for (int i = 0; i < cols; i++)
            for (int k = 0; k < x->bin; k++)
                sums[i] += line[i * x->bin + k];
    }
}

static void turn_round(double *values, int count)
{
    for (int i = 0, k = count - 1; i < k; i++, k--) {
        double value = values[i];
        values[i] = values[k];
        values[k] = value;
    }
}

static int extract(const struct sim_frame *in, const struct part *x, const struct part *y,
                   double divisor, struct sim_frame *out)
{
    size_t size = sim_element_size(out->pixels->type);
    double *line = malloc((size_t)(x->size + out->cols) * sizeof *line);
    if (!line) return -1;
    double *sums = line + x->size;
    for (int row = 0; row < out->rows; row++) {
        int to = y->reverse ? out->rows - 1 - row : row;
        sum_row(in, x, y->min + row * y->bin, y->bin, line, sums);
        if (x->reverse) turn_round(sums, out->cols);
        for (int i = 0; divisor != 1 && i < out->cols; i++)
            sums[i] /= divisor;
        sim_element_store(out->pixels->type, sums, (size_t)out->cols,
                          (char *)sim_array_data(out->pixels) +
                              (size_t)to * (size_t)out->cols * size);
    }
    free(line);
    return 0;
}

/* A dimension of one element goes. */
static void collapse(struct sim_frame *f)
{
    int cols = f->cols;
    f->ndims = (cols > 1) + (f->rows > 1);
    if (f->ndims == 0) f->ndims = 1;
    if (f->ndims == 2 || cols > 1) return;
    f->cols = f->rows;
    f->rows = 1;
    f->dim[X] = f->dim[Y];
}

static bool process(void *owner, struct sim_frame *in)
{
    struct roi *r = owner;
    struct part x = part_of(r, X, in->cols), y = {0, 1, 1, false};
    if (in->ndims > 1)
        y = part_of(r, Y, in->rows);
    else
        sim_set_int(r->max_size[Y], 0);
    sim_set_int(r->max_size[Z], 0);
    int type = sim_get_int(r->type);
    if (type < 0 || type >= SIM_ELEMENTS) type = (int)in->pixels->type;
    double scale = sim_get_int(r->scale_on) ? sim_get_double(r->scale) : 1;
    struct sim_frame *out =
        sim_frame_new_like(in, (enum sim_element)type, x.size / x.bin, y.size / y.bin);
    if (!out || extract(in, &x, &y, scale == 0 ? 1 : scale, out) != 0) {
        sim_frame_unref(out);
        return true;
    }
    out->ndims = in->ndims;
    out->dim[X] = dim_of(in->dim[X], &x);
    out->dim[Y] = dim_of(in->dim[Y], &y);
    if (sim_get_int(r->collapse)) collapse(out);
    sim_set_int(r->plugin.frame.size_x, out->cols);
    sim_set_int(r->plugin.frame.size_y, out->ndims > 1 ? out->rows : 0);
    sim_set_int(r->size_z, 0);
    sim_plugin_send(&r->plugin, out);
    sim_frame_unref(out);
    return true;
}

static const struct sim_plugin_ops ops = {.process = process};

void sim_roi_new(const char *port_name)
{
    static const char *const names[] = {"MIN",    "SIZE",      "BIN",     "REVERSE",
                                        "ENABLE", "AUTO_SIZE", "MAX_SIZE"};
    struct roi *r = callocMustSucceed(1, sizeof *r, "sim_roi_new");
    struct sim_param **params[] = {r->min,    r->size,      r->bin,     r->reverse,
                                   r->enable, r->auto_size, r->max_size};
    sim_plugin_init(&r->plugin, port_name, &ops, r);
    struct sim_port *port = r->plugin.port;
    for (int d = 0; d < DIMS; d++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char name[24];
            snprintf(name, sizeof name, "DIM%d_%s", d, names[i]);
            params[i][d] = sim_port_param(port, name, SIM_INT);
        }
    }
    r->type = sim_port_param(port, "ROI_DATA_TYPE", SIM_INT);
    r->scale_on = sim_port_param(port, "ENABLE_SCALE", SIM_INT);
    r->scale = sim_port_param(port, "SCALE_VALUE", SIM_DOUBLE);
    r->collapse = sim_port_param(port, "COLLAPSE_DIMS", SIM_INT);
    r->size_z = sim_port_param(port, "ARRAY_SIZE_Z", SIM_INT);
}
