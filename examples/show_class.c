/* Check a file of device classes and list what one of them has. Needs no IOC.
 *
 *     show_class FILE CLASS [PREFIX] */
#include <cophyd/cophyd.h>
#include <string.h>

/* One line an attribute: its path, its PV, and the readback's PV where that is another. */
static int list(oph_device *dev, oph_error *err)
{
    int rc = 0;
    const char *attr;
    for (size_t i = 0; !rc && (attr = oph_device_attr_at(dev, i)); i++) {
        oph_signal *sig;
        rc = oph_signal_find(dev, attr, &sig, err);
        if (rc) break;
        const char *set = oph_signal_pv(sig), *read = oph_signal_readback_pv(sig);
        printf("%-24s %s", oph_signal_path(sig), set);
        if (strcmp(set, read)) printf(" %s", read);
        putchar('\n');
    }
    oph_device *child;
    for (size_t i = 0; !rc && (child = oph_device_child_at(dev, i)); i++)
        rc = list(child, err);
    return rc;
}

int main(int argc, char **argv)
{
    oph_context *ctx = NULL;
    oph_report *report = NULL;
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: show_class FILE CLASS [PREFIX]\n");
        return 2;
    }
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) {
        rc = oph_class_load(ctx, argv[1], &report, &err);
        oph_report_print(report, stderr); /* each mistake; err has only the first */
        if (oph_report_count(report)) err = (oph_error)OPH_ERROR_INIT;
        oph_report_free(report);
    }
    if (!rc) rc = oph_device_new(ctx, argv[2], argc > 3 ? argv[3] : "", "dev", &dev, &err);
    if (!rc) rc = list(dev, &err);
    oph_error_print(&err, stderr);
    oph_device_free(dev);
    oph_context_free(ctx);
    return rc != 0;
}
