/* The context and the detector that a command works with. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Detectors as beamlines have them: with the plugins of the usual IOC, and files as the IOC can
 * write them before its first frame, too. */
static const char ready_classes[] = "class CophydPilatus : SingleTrigger PilatusDetector\n"
                                    "doc   A Pilatus that writes HDF5 files\n"
                                    "dev   image image1: ImagePlugin\n"
                                    "dev   hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                                    "stage hdf1  lazy_open=1\n"
                                    "class CophydSimDetector : SingleTrigger SimDetector\n"
                                    "doc   ADSimDetector that writes HDF5 files\n"
                                    "dev   image image1: ImagePlugin\n"
                                    "dev   hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                                    "stage hdf1  lazy_open=1\n";

/* --- The context */

static void on_log(void *user, int32_t level, const char *line)
{
    (void)user;
    if (level <= OPH_LOG_WARNING) cli_say("%s", line);
}

int cli_context(struct cli *cli)
{
    oph_context_options options = {.size = sizeof options};
    oph_error err = OPH_ERROR_INIT;
    if (cli->ctx) return 0;
    if (!isnan(cli->timeout))
        options.connect_timeout = options.get_timeout = options.put_timeout = cli->timeout;
    int rc = oph_context_new(&options, &cli->ctx, &err);
    if (!rc) rc = oph_class_parse(cli->ctx, ready_classes, "cophyd", NULL, &err);
    if (rc) return cli_fail(&err);
    oph_context_log(cli->ctx, on_log, NULL);
    cli_interrupts(cli->ctx);
    return 0;
}

/* --- The class */

/* Loads a file of class text, and takes of it the class `wanted`, or the last one. */
static int class_of_file(struct cli *cli, const char *file, const char *wanted, const char **ret)
{
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_class_load(cli->ctx, file, &report, &err)) {
        cli_fail_report(&err, report);
        return CLI_USAGE;
    }
    oph_report_free(report);
    *ret = wanted ? wanted : oph_class_name_at(cli->ctx, oph_class_count(cli->ctx) - 1);
    return 0;
}

/* FILE:CLASS, where there is no file of that whole name. */
static int class_of_part(struct cli *cli, const char *name, const char *colon, const char **ret)
{
    char *file = strndup(name, (size_t)(colon - name));
    int rc = file ? class_of_file(cli, file, colon + 1, ret) : cli_usage("no memory");
    free(file);
    return rc;
}

int cli_class(struct cli *cli, const char **ret)
{
    const char *name = cli->class_name;
    if (!name || !strcmp(name, "pilatus")) {
        *ret = "CophydPilatus";
    } else if (!strcmp(name, "simdetector")) {
        *ret = "CophydSimDetector";
    } else if (strchr(name, '/') || access(name, F_OK) == 0) {
        const char *colon = strrchr(name, ':');
        if (colon && access(name, F_OK) != 0) return class_of_part(cli, name, colon, ret);
        return class_of_file(cli, name, NULL, ret);
    } else if (strstr(name, ".class")) { /* a file that is not there says so itself */
        const char *colon = strrchr(name, ':');
        if (colon) return class_of_part(cli, name, colon, ret);
        return class_of_file(cli, name, NULL, ret);
    } else {
        *ret = name;
    }
    return 0;
}

/* --- Settings and folders */

/* KEY=VALUE; a number where it is one. Text needs no quotes here, but for a number that is meant to
 * be text. */
static int apply_set(oph_device *det, const char *set)
{
    char key[256];
    const char *value = strchr(set, '=') + 1;
    size_t length = strlen(value);
    int64_t integer;
    double number;
    oph_error err = OPH_ERROR_INIT;
    int rc;
    if (snprintf(key, sizeof key, "%.*s", (int)(value - 1 - set), set) >= (int)sizeof key)
        return cli_usage("--set: '%s' is no path", set);
    if (cli_to_int(value, &integer))
        rc = oph_settings_set_int(det, key, integer, &err);
    else if (cli_to_double(value, &number))
        rc = oph_settings_set_double(det, key, number, &err);
    else if (length > 1 && *value == '"' && value[length - 1] == '"')
        rc = oph_settings_parse(det, set, "--set", OPH_SETTINGS_UPDATE, NULL, &err);
    else
        rc = oph_settings_set_text(det, key, value, &err);
    if (!rc) return 0;
    cli_fail(&err);
    return CLI_USAGE;
}

static int apply_sets(struct cli *cli)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < cli->set_count; i++)
        rc = apply_set(cli->det, cli->sets[i]);
    return rc;
}

static bool is_store(const oph_device *dev)
{
    return oph_device_is(dev, "FileStorePluginBase") != 0;
}

static char *join(const char *root, const char *dir)
{
    char *path = malloc(strlen(root) + strlen(dir) + 2);
    if (!path) return NULL;
    char *end = stpcpy(path, root);
    if (end > path && end[-1] != '/' && end[-1] != '\\') *end++ = '/';
    while (*dir == '/')
        dir++;
    memcpy(end, dir, strlen(dir) + 1);
    return path;
}

/* The folders of the options, for one file store. */
static int set_folders(const struct cli *cli, oph_device *store)
{
    const char *dir = cli->dir ? cli->dir : "";
    const char *read_root = cli->read_root ? cli->read_root : cli->write_root;
    oph_error err = OPH_ERROR_INIT;
    char *write = join(cli->write_root, dir), *read = join(read_root, dir);
    int rc = write && read ? 0 : CLI_FAILED;
    if (rc) cli_say("no memory");
    if (!rc && strlen(cli->write_root) > 1 && cli->write_root[1] == ':')
        rc = oph_files_set_semantics(store, OPH_PATH_WINDOWS, &err);
    if (!rc) rc = oph_files_set(store, write, read, &err);
    if (err.code) rc = (cli_fail(&err), CLI_USAGE);
    free(write);
    free(read);
    return rc;
}

static int apply_folders(struct cli *cli, oph_device *dev)
{
    int rc = is_store(dev) ? set_folders(cli, dev) : 0;
    for (size_t i = 0; !rc && i < oph_device_child_count(dev); i++)
        rc = apply_folders(cli, oph_device_child_at(dev, i));
    return rc;
}

/* --- The device */

static int check_prefix(const char *prefix)
{
    for (const char *c = prefix; *c; c++)
        if (*c == ' ' || *c == '/' || (unsigned char)*c < ' ')
            return cli_usage("wanted a PV prefix such as Pilatus:, found '%s'", prefix);
    return *prefix ? 0 : cli_usage("wanted a PV prefix such as Pilatus:, found nothing");
}

int cli_device(struct cli *cli, const char *prefix, oph_device **ret)
{
    const char *class_name;
    oph_error err = OPH_ERROR_INIT;
    int rc = check_prefix(prefix);
    if (!rc) rc = cli_context(cli);
    if (!rc) rc = cli_class(cli, &class_name);
    if (rc) return rc;
    if (oph_device_new(cli->ctx, class_name, prefix, "det", &cli->det, &err)) {
        cli_fail(&err);
        return CLI_USAGE;
    }
    rc = apply_sets(cli);
    if (!rc && (cli->read_root || cli->dir) && !cli->write_root)
        rc = cli_usage("--read-root and --dir need --write-root, which says where the IOC writes");
    if (!rc && cli->write_root) rc = apply_folders(cli, cli->det);
    if (!rc) *ret = cli->det;
    return rc;
}

int cli_connect(struct cli *cli, oph_device *det)
{
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_connect(det, OPH_DEFAULT, &report, &err);
    (void)cli;
    if (!rc) {
        cli_warn_report(report);
        return 0;
    }
    size_t more = oph_report_count(report);
    oph_report_free(report);
    rc = cli_fail(&err);
    if (err.code == OPH_EDISCONN && more > 1)
        cli_say("%zu PVs are not there; does EPICS_CA_ADDR_LIST name the IOC of %s?", more,
                oph_device_prefix(det));
    return rc;
}

int cli_may_write(const struct cli *cli)
{
    if (!cli->read_only) return 0;
    return cli_usage("cophyd %s writes to the IOC, which --read-only forbids", cli->command->name);
}
