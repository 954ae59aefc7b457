/* The context and the detector that a command works with. */
#include "cli/cli.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Detectors as beamlines have them: with the plugins of the usual IOC, and files that it can make
 * before its first frame, too. */
static const struct ready {
    const char *name, *class_name, *text;
} ready[] = {
    {"pilatus", "CophydPilatus",
     "class CophydPilatus : SingleTrigger PilatusDetector\n"
     "doc   A Pilatus that writes HDF5 files\n"
     "dev   image image1: ImagePlugin\n"
     "dev   hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
     "stage hdf1  lazy_open=1\n"},
    {"simdetector", "CophydSimDetector",
     "class CophydSimDetector : SingleTrigger SimDetector\n"
     "doc   ADSimDetector that writes HDF5 files\n"
     "dev   image image1: ImagePlugin\n"
     "dev   hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
     "stage hdf1  lazy_open=1\n"},
};
enum { READY = sizeof ready / sizeof ready[0] };

static const struct ready *find_ready(const struct cli *cli)
{
    const char *name = cli->class_name ? cli->class_name : "pilatus";
    for (size_t i = 0; i < READY; i++)
        if (!strcmp(name, ready[i].name)) return &ready[i];
    return NULL;
}

/* --- The context */

static void on_log(void *user, int32_t level, const char *line)
{
    (void)user;
    if (level <= OPH_LOG_WARNING) cli_say("%s", line);
}

/* A line a put: when, who, which process, what, and what was there. With --read-only nothing is
 * put, whatever a command does. */
static int32_t on_put(void *user, const oph_put_notice *put)
{
    struct cli *cli = user;
    char when[64] = "?";
    struct timespec now;
    struct tm local;
    if (!cli->log) return cli->read_only;
    clock_gettime(CLOCK_REALTIME, &now);
    if (localtime_r(&now.tv_sec, &local)) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &local);
    fprintf(cli->log, "%s.%03d %s cophyd %s[%d] %s (%s): %s, was %s%s\n", when,
            (int)(now.tv_nsec / 1000000), cli->who, cli->command->name, (int)getpid(), put->device,
            put->pv, put->value, put->before ? put->before : "not known",
            cli->read_only ? ": refused" : "");
    if (fflush(cli->log) && !cli->log_lost) cli->log_lost = errno;
    return cli->read_only;
}

static int open_log(struct cli *cli)
{
    if (!cli->log_file) return 0;
    char host[64] = "?";
    gethostname(host, sizeof host - 1);
    const struct passwd *who = getpwuid(getuid());
    snprintf(cli->who, sizeof cli->who, "%s@%s", who ? who->pw_name : "?", host);
    cli->log = fopen(cli->log_file, "ae");
    if (cli->log) return 0;
    cli_say("%s: %s", cli->log_file, strerror(errno));
    return CLI_FAILED;
}

int cli_context(struct cli *cli)
{
    oph_context_options options = {.size = sizeof options};
    oph_error err = OPH_ERROR_INIT;
    if (cli->ctx) return 0;
    if (!isnan(cli->timeout))
        options.connect_timeout = options.get_timeout = options.put_timeout = cli->timeout;
    if (open_log(cli)) return CLI_FAILED;
    int rc = oph_context_new(&options, &cli->ctx, &err);
    for (size_t i = 0; !rc && i < READY; i++)
        rc = oph_class_parse(cli->ctx, ready[i].text, ready[i].name, NULL, &err);
    if (rc) return cli_fail(&err);
    oph_context_log(cli->ctx, on_log, NULL);
    if (cli->log || cli->read_only) oph_context_on_put(cli->ctx, on_put, cli);
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

/* Whether a name is that of a file, as it is or before a colon, and not of a class. A file that is
 * not there says so itself. */
static bool is_file(const char *name)
{
    return strchr(name, '/') || strstr(name, ".class") || access(name, F_OK) == 0;
}

/* The file of FILE or FILE:CLASS, to be freed; *ret_class is NULL, or what stands behind the colon.
 */
static char *file_of(const char *name, const char **ret_class)
{
    const char *colon = access(name, F_OK) == 0 ? NULL : strrchr(name, ':');
    *ret_class = colon ? colon + 1 : NULL;
    return strndup(name, colon ? (size_t)(colon - name) : strlen(name));
}

static int find_class(struct cli *cli, const char **ret)
{
    const struct ready *known = find_ready(cli);
    if (known) {
        *ret = known->class_name;
        return 0;
    }
    if (!is_file(cli->class_name)) {
        *ret = cli->class_name;
        return 0;
    }
    const char *wanted;
    char *file = file_of(cli->class_name, &wanted);
    int rc = file ? class_of_file(cli, file, wanted, ret) : cli_no_memory();
    free(file);
    return rc;
}

/* A file is loaded once: its classes would be there already. */
int cli_class(struct cli *cli, const char **ret)
{
    int rc = cli->found_class ? 0 : find_class(cli, &cli->found_class);
    *ret = cli->found_class;
    return rc;
}

char *cli_read_file(const char *name)
{
    FILE *file = fopen(name, "re");
    size_t room = 1;
    char *text = calloc(room, 1); /* as an empty file leaves it */
    ssize_t length = file && text ? getdelim(&text, &room, '\0', file) : -1;
    bool read = file && text && !ferror(file) && (length >= 0 || feof(file));
    bool cut = read && length > 0 && !text[length - 1];
    if (!read) cli_say("%s: %s", name, strerror(errno));
    if (cut) cli_say("%s: wanted text, found a byte of 0 after %zd others", name, length - 1);
    if (file) fclose(file);
    if (read && !cut) return text;
    free(text);
    return NULL;
}

/* A text of classes after the detectors' of this file that it names. */
static char *with_ready(char *text)
{
    for (size_t i = 0; text && i < READY; i++) {
        char *both = NULL;
        if (!strstr(text, ready[i].class_name)) continue;
        if (asprintf(&both, "%s\n%s", ready[i].text, text) < 0) both = NULL;
        if (!both) cli_no_memory();
        free(text);
        text = both;
    }
    return text;
}

int cli_class_text(const struct cli *cli, char **ret)
{
    const struct ready *known = find_ready(cli);
    const char *wanted;
    *ret = NULL;
    if (!known && !is_file(cli->class_name)) return 0;
    char *file = known ? NULL : file_of(cli->class_name, &wanted);
    *ret = known ? strdup(known->text) : file ? with_ready(cli_read_file(file)) : NULL;
    if (!*ret && !file) cli_no_memory();
    free(file);
    return *ret ? 0 : CLI_FAILED;
}

/* --- Settings and folders */

oph_device *cli_owner(oph_device *det, const char *path, const char **ret_attr)
{
    char name[256];
    oph_device *owner = det, *child;
    *ret_attr = path;
    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        int length = snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        if (length >= (int)sizeof name || oph_device_child(det, name, &child, NULL)) break;
        owner = child;
        *ret_attr = dot + 1;
    }
    return owner;
}

oph_device *cli_first(oph_device *dev, const char *class_name)
{
    oph_device *found = oph_device_is(dev, class_name) ? dev : NULL;
    for (size_t i = 0; !found && i < oph_device_child_count(dev); i++)
        found = cli_first(oph_device_child_at(dev, i), class_name);
    return found;
}

/* An attribute that is text has what was typed, as "007". */
static bool is_text(oph_device *dev, const char *attr)
{
    oph_signal *sig;
    oph_row row = {.type = OPH_ROW_ANY};
    if (oph_signal_find(dev, attr, &sig, NULL) == 0) oph_signal_row(sig, &row);
    return row.type == OPH_ROW_TEXT;
}

/* PATH=VALUE; a number where it is one. Text needs no quotes here, but for a number that is meant
 * to be text where the class does not say so. It goes to the list of the device that has the
 * attribute, which has the last word. */
static int apply_set(oph_device *det, const char *set)
{
    char path[256];
    const char *value = strchr(set, '=') + 1, *key;
    size_t length = strlen(value);
    int64_t integer;
    double number;
    oph_error err = OPH_ERROR_INIT;
    int rc;
    if (snprintf(path, sizeof path, "%.*s", (int)(value - 1 - set), set) >= (int)sizeof path)
        return cli_usage("--set: '%s' is no path", set);
    oph_device *dev = cli_owner(det, path, &key);
    bool text = is_text(dev, key);
    if (!text && cli_to_int(value, &integer))
        rc = oph_settings_set_int(dev, key, integer, &err);
    else if (!text && cli_to_double(value, &number))
        rc = oph_settings_set_double(dev, key, number, &err);
    else if (length > 1 && *value == '"' && value[length - 1] == '"')
        rc = oph_settings_parse(dev, set + (key - path), "--set", OPH_SETTINGS_UPDATE, NULL, &err);
    else
        rc = oph_settings_set_text(dev, key, value, &err);
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

bool cli_is_windows(const struct cli *cli)
{
    return cli->write_root && *cli->write_root && cli->write_root[1] == ':';
}

/* The folders of the options, for one file store. */
static int set_folders(const struct cli *cli, oph_device *store)
{
    const char *dir = cli->dir ? cli->dir : "";
    const char *read_root = cli->read_root ? cli->read_root : cli->write_root;
    oph_error err = OPH_ERROR_INIT;
    char *write = join(cli->write_root, dir), *read = join(read_root, dir);
    int rc = write && read ? 0 : CLI_FAILED;
    if (rc) cli_no_memory();
    if (!rc && cli_is_windows(cli)) rc = oph_files_set_semantics(store, OPH_PATH_WINDOWS, &err);
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

static bool lacks_folders(oph_device *dev)
{
    char folder[4096];
    oph_error err = OPH_ERROR_INIT;
    bool lacks = is_store(dev) &&
                 oph_files_get(dev, OPH_SIDE_IOC, folder, sizeof folder, &err) == OPH_ESTATE;
    for (size_t i = 0; !lacks && i < oph_device_child_count(dev); i++)
        lacks = lacks_folders(oph_device_child_at(dev, i));
    return lacks;
}

int cli_need_folders(oph_device *det)
{
    if (!lacks_folders(det)) return 0;
    return cli_usage("where the IOC is to write its files is not known: give --write-root DIR (and "
                     "--read-root), or a class file with a files line");
}

int cli_may_write(const struct cli *cli)
{
    if (!cli->read_only) return 0;
    return cli_usage("cophyd %s writes to the IOC, which --read-only forbids", cli->command->name);
}
