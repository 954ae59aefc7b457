/* What the values of a detector are, its images with them, and which of them a plot should show.
 *
 *     describe [PREFIX] */
#include <cophyd/cophyd.h>
#include <inttypes.h>

static const char classes[] = "class MyStatsPlugin : StatsPlugin\n"
                              "kind  normal\n"
                              "row   total Total_RBV ro float hinted\n"
                              "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   stats1 Stats1: MyStatsPlugin\n"
                              "dev   hdf1   HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n";

static void show_description(const oph_description *d)
{
    printf("%s: %s %s, shape [", d->key, d->dtype, d->dtype_numpy);
    for (uint32_t i = 0; i < d->rank; i++)
        printf("%s%" PRId64, i ? ", " : "", d->shape[i]);
    printf("], %s%s\n", d->source, d->external ? ", in a file" : "");
}

static int show_descriptions(oph_device *det, oph_error *err)
{
    oph_descriptions *descriptions = NULL;
    int rc = oph_describe(det, OPH_DEFAULT, &descriptions, NULL, err);
    if (rc) return rc;
    for (size_t i = 0; i < oph_descriptions_count(descriptions); i++)
        show_description(oph_descriptions_at(descriptions, i));
    oph_descriptions_free(descriptions);
    return 0;
}

static int show_hints(oph_device *det, oph_error *err)
{
    oph_keys *hints = NULL;
    int rc = oph_hints(det, &hints, err);
    if (rc) return rc;
    for (size_t i = 0; i < oph_keys_count(hints); i++)
        printf("to be plotted: %s\n", oph_keys_at(hints, i));
    oph_keys_free(hints);
    return 0;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "describe.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = show_descriptions(det, &err);
    if (!rc) rc = show_hints(det, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
