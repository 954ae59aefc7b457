#include "sim/simdetector_image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODE_RAMP, MODE_PEAKS, MODE_SINE, MODE_OFFSET };

enum {
    TIME, /* the first two do not reset */
    GAIN,
    GAIN_X,
    GAIN_Y,
    OFFSET,
    NOISE,
    START_X,
    START_Y,
    STEP_X,
    STEP_Y,
    NUM_X,
    NUM_Y,
    WIDTH_X,
    WIDTH_Y,
    VARIATION,
    SINE_X, /* amplitude, frequency, phase; the same of the second */
    SINE_Y = SINE_X + 6,
    NUMBERS = SINE_Y + 6
};

static const struct {
    const char *name;
    enum sim_type type;
} numbers[] = {
    [TIME] = {"ACQ_TIME", SIM_DOUBLE},
    [GAIN] = {"GAIN", SIM_DOUBLE},
    [GAIN_X] = {"SIM_GAIN_X", SIM_DOUBLE},
    [GAIN_Y] = {"SIM_GAIN_Y", SIM_DOUBLE},
    [OFFSET] = {"SIM_OFFSET", SIM_DOUBLE},
    [NOISE] = {"SIM_NOISE", SIM_DOUBLE},
    [START_X] = {"SIM_PEAK_START_X", SIM_INT},
    [START_Y] = {"SIM_PEAK_START_Y", SIM_INT},
    [STEP_X] = {"SIM_PEAK_STEP_X", SIM_INT},
    [STEP_Y] = {"SIM_PEAK_STEP_Y", SIM_INT},
    [NUM_X] = {"SIM_PEAK_NUM_X", SIM_INT},
    [NUM_Y] = {"SIM_PEAK_NUM_Y", SIM_INT},
    [WIDTH_X] = {"SIM_PEAK_WIDTH_X", SIM_INT},
    [WIDTH_Y] = {"SIM_PEAK_WIDTH_Y", SIM_INT},
    [VARIATION] = {"SIM_PEAK_HEIGHT_VARIATION", SIM_DOUBLE},
    [SINE_X] = {"SIM_XSINE1_AMPLITUDE", SIM_DOUBLE},
    {"SIM_XSINE1_FREQUENCY", SIM_DOUBLE},
    {"SIM_XSINE1_PHASE", SIM_DOUBLE},
    {"SIM_XSINE2_AMPLITUDE", SIM_DOUBLE},
    {"SIM_XSINE2_FREQUENCY", SIM_DOUBLE},
    {"SIM_XSINE2_PHASE", SIM_DOUBLE},
    [SINE_Y] = {"SIM_YSINE1_AMPLITUDE", SIM_DOUBLE},
    {"SIM_YSINE1_FREQUENCY", SIM_DOUBLE},
    {"SIM_YSINE1_PHASE", SIM_DOUBLE},
    {"SIM_YSINE2_AMPLITUDE", SIM_DOUBLE},
    {"SIM_YSINE2_FREQUENCY", SIM_DOUBLE},
    {"SIM_YSINE2_PHASE", SIM_DOUBLE},
};
_Static_assert((int)NUMBERS <= (int)SIM_IMAGE_NUMBERS, "each has its parameter");

/* The settings of one frame. */
struct formula {
    struct sim_image *image;
    int mode;
    bool multiplies[2]; /* the sines */
    double n[NUMBERS];
};

void sim_image_init(struct sim_image *image, struct sim_port *port, int cols, int rows)
{
    memset(image, 0, sizeof *image);
    image->cols = cols;
    image->rows = rows;
    image->reset = sim_port_param(port, "RESET_IMAGE", SIM_INT);
    image->data_type = sim_port_param(port, "DATA_TYPE", SIM_INT);
    image->mode = sim_port_param(port, "SIM_MODE", SIM_INT);
    image->operation[0] = sim_port_param(port, "SIM_XSINE_OPERATION", SIM_INT);
    image->operation[1] = sim_port_param(port, "SIM_YSINE_OPERATION", SIM_INT);
    image->min[0] = sim_port_param(port, "MIN_X", SIM_INT);
    image->min[1] = sim_port_param(port, "MIN_Y", SIM_INT);
    image->size[0] = sim_port_param(port, "SIZE_X", SIM_INT);
    image->size[1] = sim_port_param(port, "SIZE_Y", SIM_INT);
    for (int i = 0; i < NUMBERS; i++)
        image->number[i] = sim_port_param(port, numbers[i].name, numbers[i].type);
    sim_set_int(image->reset, 1);
}

bool sim_image_resets(const struct sim_image *image, const struct sim_param *param)
{
    return param == image->data_type || strncmp(sim_param_name(param), "SIM_", 4) == 0;
}

static double chance(struct sim_image *image)
{
    return rand_r(&image->seed) / (double)RAND_MAX;
}

static void ramp(const struct formula *f, int y, int x0, int count, double *row)
{
    for (int i = 0; i < count; i++)
        row[i] = trunc(f->image->first_step * (f->n[GAIN_X] * (x0 + i) + f->n[GAIN_Y] * y)) +
                 f->image->added;
}

static double gauss(double distance, double width)
{
    return width > 0 && fabs(distance) <= 4 * width ? exp(-pow(distance / width, 2) / 2) : 0;
}

static void peaks(const struct formula *f, int y, int x0, int count, double *row)
{
    memset(row, 0, (size_t)count * sizeof *row);
    for (int i = 0; i < (int)f->n[NUM_Y]; i++) {
        double gy = f->n[GAIN_Y] * gauss(y - f->n[START_Y] - i * f->n[STEP_Y], f->n[WIDTH_Y]);
        for (int j = 0; gy != 0 && j < (int)f->n[NUM_X]; j++) {
            double center = f->n[START_X] + j * f->n[STEP_X], v = 1;
            if (f->n[VARIATION] >= 1)
                v += (1 + floor(chance(f->image) * (f->n[VARIATION] - 1))) / 100;
            for (int x = 0; x < count; x++)
                row[x] += trunc(v * f->n[GAIN] * f->n[GAIN_X] *
                                gauss(x0 + x - center, f->n[WIDTH_X]) * gy);
        }
    }
}

/* At that place of an axis, from 0 to 1. */
static double sine(const struct formula *f, int axis, double place)
{
    const double *s = f->n + (axis ? SINE_Y : SINE_X);
    double time = (axis ? f->n[GAIN_Y] : f->n[GAIN_X]) * ((double)f->image->frames + place);
    double one = s[0] * sin((time * s[1] + s[2] / 360) * 2 * M_PI);
    double two = s[3] * sin((time * s[4] + s[5] / 360) * 2 * M_PI);
    return f->multiplies[axis] ? one * two : one + two;
}

static void sines(const struct formula *f, int y, int x0, int count, double *row)
{
    double sy = sine(f, 1, (double)y / f->image->rows);
    for (int i = 0; i < count; i++)
        row[i] = trunc(f->n[GAIN] * (sine(f, 0, (double)(x0 + i) / f->image->cols) + sy));
}

static void offset_and_noise(const struct formula *f, int y, int x0, int count, double *row)
{
    (void)y, (void)x0;
    for (int i = 0; i < count; i++)
        row[i] = f->n[OFFSET] + (f->n[NOISE] == 0 ? 0 : f->n[NOISE] * chance(f->image));
}

static void fill(const struct formula *f, const struct sim_frame *frame, double *row)
{
    static void (*const by_mode[])(const struct formula *, int, int, int, double *) = {
        [MODE_RAMP] = ramp,
        [MODE_PEAKS] = peaks,
        [MODE_SINE] = sines,
        [MODE_OFFSET] = offset_and_noise,
    };
    enum sim_element type = frame->pixels->type;
    char *to = sim_array_data(frame->pixels);
    for (int y = 0; y < frame->rows; y++) {
        by_mode[f->mode](f, frame->dim[1].offset + y, frame->dim[0].offset, frame->cols, row);
        sim_element_store(type, row, (size_t)frame->cols, to);
        to += (size_t)frame->cols * sim_element_size(type);
    }
}

/* As the driver does: what does not fit on the sensor is made to fit. */
static void clip(struct sim_image *image, int axis, int *ret_min, int *ret_size)
{
    int whole = axis ? image->rows : image->cols;
    int min = sim_get_int(image->min[axis]), size = sim_get_int(image->size[axis]);
    if (min < 0) min = 0;
    if (min > whole - 1) min = whole - 1;
    if (size < 1 || size > whole - min) size = whole - min;
    sim_set_int(image->min[axis], min);
    sim_set_int(image->size[axis], size);
    *ret_min = min;
    *ret_size = size;
}

static void begin(struct formula *f, struct sim_image *image)
{
    f->image = image;
    f->mode = sim_get_int(image->mode);
    if (f->mode < MODE_RAMP || f->mode > MODE_OFFSET) f->mode = MODE_RAMP;
    for (int i = 0; i < NUMBERS; i++)
        f->n[i] = numbers[i].type == SIM_INT ? sim_get_int(image->number[i])
                                             : sim_get_double(image->number[i]);
    for (int axis = 0; axis < 2; axis++)
        f->multiplies[axis] = sim_get_int(image->operation[axis]) != 0;
    double step = trunc(f->n[GAIN] * f->n[TIME] * 1000);
    if (sim_get_int(image->reset)) {
        image->frames = 0;
        image->added = 0;
        image->first_step = step;
        sim_set_int(image->reset, 0);
    } else {
        image->frames++;
        image->added += step;
    }
}

struct sim_frame *sim_image_next(struct sim_image *image, int32_t unique_id)
{
    struct sim_frame like = {.unique_id = unique_id, .dim = {{0, 1, false}, {0, 1, false}}};
    struct formula f;
    int cols, rows, type = sim_get_int(image->data_type);
    clip(image, 0, &like.dim[0].offset, &cols);
    clip(image, 1, &like.dim[1].offset, &rows);
    if (type < 0 || type >= SIM_ELEMENTS) type = SIM_UINT8;
    begin(&f, image);
    double *row = malloc((size_t)cols * sizeof *row);
    struct sim_frame *frame =
        row ? sim_frame_new_like(&like, (enum sim_element)type, cols, rows) : NULL;
    if (frame) fill(&f, frame, row);
    free(row);
    return frame;
}
