/* What a detector reads: once for a run, and each time.
 *
 *     reading [PREFIX] */
#include <cophyd/cophyd.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   stats1 Stats1: StatsPlugin\n"
                              "dev   hdf1   HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n";

static void show_value(const oph_reading *r)
{
    double number;
    if (r->text)
        printf("%s: %s\n", r->key, r->text);
    else if (!oph_value_get_double(r->value, &number, NULL))
        printf("%s: %g\n", r->key, number);
    else
        printf("%s: %zu numbers\n", r->key, oph_value_count(r->value));
}

typedef int read_fn(oph_device *dev, double timeout, oph_readings **ret, oph_report **ret_report,
                    oph_error *err);

static int show_values(oph_device *det, read_fn *read, oph_error *err)
{
    oph_readings *readings = NULL;
    int rc = read(det, OPH_DEFAULT, &readings, NULL, err);
    if (rc) return rc;
    for (size_t i = 0; i < oph_readings_count(readings); i++)
        show_value(oph_readings_at(readings, i));
    oph_readings_free(readings);
    return 0;
}

/* Of the statistics the sum alone, and that to be plotted. */
static int choose(oph_device *det, oph_error *err)
{
    oph_device *stats;
    oph_signal *total;
    int rc = oph_device_child(det, "stats1", &stats, err);
    if (!rc) rc = oph_device_set_kind(stats, OPH_KIND_NORMAL, err);
    if (!rc) rc = oph_signal_find(stats, "total", &total, err);
    if (!rc) rc = oph_signal_set_kind(total, OPH_KIND_HINTED, err);
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "reading.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = choose(det, &err);
    if (!rc) puts("configuration:");
    if (!rc) rc = show_values(det, oph_read_configuration, &err);
    if (!rc) puts("each time:");
    if (!rc) rc = show_values(det, oph_read, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
