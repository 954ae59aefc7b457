/* List the plugins that an IOC has and a class does not declare.
 *
 *     missing_plugins [PREFIX [CLASS]] */
#include <cophyd/cophyd.h>

static int list(oph_device *det, oph_error *err)
{
    oph_plugins *missing;
    int rc = oph_missing_plugins(det, OPH_DEFAULT, &missing, err);
    if (rc) return rc;
    printf("%zu missing\n", oph_plugins_count(missing));
    for (size_t i = 0; i < oph_plugins_count(missing); i++) {
        const oph_plugin *p = oph_plugins_at(missing, i);
        printf("%s %s (%s): %s\n", p->prefix, p->port, p->type, p->class_name);
    }
    oph_plugins_free(missing);
    return 0;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    const char *class_name = argc > 2 ? argv[2] : "PilatusDetector";
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_device_new(ctx, class_name, prefix, "det", &det, &err);
    if (!rc) rc = list(det, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
