/* Signals of your own: one in memory, one computed from a PV and back, and an image with its shape.
 *
 *     derived [PREFIX] */
#include <cophyd/cophyd.h>

/* A frame rate is one over the period, and the period one over the rate. */
static int to_rate(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    double period;
    (void)count, (void)user;
    int rc = oph_value_get_double(from[0], &period, NULL);
    if (rc) return rc;
    if (period <= 0) return oph_output_fail(to, OPH_ERANGE, "a period of 0 has no rate");
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &(double){1 / period});
}

static int to_period(const oph_value *wanted, oph_output *to, void *user)
{
    double rate;
    (void)user;
    int rc = oph_value_get_double(wanted, &rate, NULL);
    if (rc) return rc;
    if (rate <= 0) return oph_output_fail(to, OPH_ERANGE, "frames do not come backwards");
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &(double){1 / rate});
}

static int use_rate(oph_context *ctx, oph_device *det, oph_error *err)
{
    oph_signal *period, *rate = NULL;
    double now;
    int rc = oph_signal_find(det, "cam.acquire_period", &period, err);
    const oph_properties hertz = {.size = sizeof hertz, .precision = 3, .units = "Hz"};
    const oph_derived what = {.size = sizeof what,
                              .name = "frame_rate",
                              .dtype = OPH_FLOAT64,
                              .properties = &hertz,
                              .from = &period,
                              .count = 1,
                              .forward = to_rate,
                              .inverse = to_period};
    if (!rc) rc = oph_derived_new(ctx, &what, &rate, err);
    if (!rc) rc = oph_signal_put_double(rate, 20, err);
    if (!rc) rc = oph_signal_get_double(period, &now, err);
    if (!rc) printf("at 20 Hz the period is %g s\n", now);
    if (!rc && oph_signal_put_double(rate, -1, err)) oph_error_print(err, stdout);
    oph_signal_free(rate);
    return rc;
}

static int keep_note(oph_context *ctx, oph_error *err)
{
    oph_signal *note = NULL;
    char text[80];
    int rc = oph_soft_new(ctx, "sample", OPH_CSTR("none"), NULL, &note, err);
    if (!rc) rc = oph_signal_put_text(note, "lysozyme 7, mounted upside down at 4 a.m.", err);
    if (!rc) rc = oph_signal_get_text(note, text, sizeof text, err);
    if (!rc) printf("sample: %s\n", text);
    oph_signal_free(note);
    return rc;
}

static int show_image(oph_context *ctx, oph_device *det, oph_error *err)
{
    oph_signal *array, *sizes[2], *rank, *image = NULL;
    oph_value *value = NULL;
    int64_t shape[2] = {0};
    int rc = oph_signal_find(det, "image.array_data", &array, err);
    if (!rc) rc = oph_signal_find(det, "image.array_size_all.array_size0", &sizes[0], err);
    if (!rc) rc = oph_signal_find(det, "image.array_size_all.array_size1", &sizes[1], err);
    if (!rc) rc = oph_signal_find(det, "image.ndimensions", &rank, err);
    if (!rc) rc = oph_shaped_new(ctx, "image", array, sizes, 2, rank, &image, err);
    if (!rc) rc = oph_signal_read(image, NULL, &value, err);
    if (!rc && oph_value_shape(value, shape, 2) == 2)
        printf("image: %s, %d rows of %d\n", oph_dtype_name(oph_value_dtype(value)), (int)shape[0],
               (int)shape[1]);
    oph_value_free(value);
    oph_signal_free(image);
    return rc;
}

int main(int argc, char **argv)
{
    static const char classes[] = "class Eye : PilatusDetector\n"
                                  "dev   image image1: ImagePlugin\n";
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "derived.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "Eye", argc > 1 ? argv[1] : "Pilatus:", "det", &det, &err);
    if (!rc) rc = keep_note(ctx, &err);
    if (!rc) rc = use_rate(ctx, det, &err);
    if (!rc) rc = show_image(ctx, det, &err);
    if (rc) oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
