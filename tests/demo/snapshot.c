/* Prints every setpoint of cam1:, image1: and HDF1: as "NAME VALUE", read with plain libca: an independent
 * witness of what staging left behind. The names come from the built-in classes. */
#include "lib/probe.h"
#include <cophyd/cophyd.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 1024 };

struct names {
    const char *at[MAX_NAMES];
    int count;
};

/* Setpoints have a readback of their own. */
static int add_setpoints(oph_device *dev, size_t prefix_length, struct names *names, oph_error *err)
{
    const char *attr;
    for (size_t i = 0; (attr = oph_device_attr_at(dev, i)); i++) {
        oph_signal *sig;
        int rc = oph_signal_find(dev, attr, &sig, err);
        if (rc) return rc;
        const char *set = oph_signal_pv(sig);
        if (!strcmp(set, oph_signal_readback_pv(sig))) continue;
        if (names->count < MAX_NAMES) names->at[names->count++] = set + prefix_length;
    }
    return 0;
}

static int print_values(const char *prefix, const struct names *names)
{
    struct probe *probe = probe_new(prefix);
    if (!probe || probe_connect(probe, names->at, names->count)) return 1;
    for (int i = 0; i < names->count; i++) {
        char value[600];
        if (probe_get(probe, names->at[i], value, sizeof value)) return 1;
        printf("%s %s\n", names->at[i], value);
    }
    probe_free(probe);
    return 0;
}

int main(int argc, char **argv)
{
    static const char text[] = "class Snapshot : PilatusDetector\n"
                               "dev image image1: ImagePlugin\n"
                               "dev hdf1  HDF1:   HDF5Plugin\n";
    static struct names names;
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: snapshot PREFIX\n");
        return 2;
    }
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, text, "snapshot.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "Snapshot", argv[1], "det", &det, &err);
    for (size_t i = 0; !rc && i < oph_device_child_count(det); i++)
        rc = add_setpoints(oph_device_child_at(det, i), strlen(argv[1]), &names, &err);
    if (!rc) rc = print_values(argv[1], &names);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
