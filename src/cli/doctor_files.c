/* Files: does the IOC see the folder, do we, can the plugin open one, can we read it? */
#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What stands before the first part that is expanded, without a part of a name: "/data/%Y" is
 * "/data". */
static void fixed_part(char *path)
{
    char *percent = strchr(path, '%'), *slash;
    if (percent) *percent = 0;
    slash = strrchr(path, '/');
    if (slash && slash > path && (percent || !slash[1])) *slash = 0;
}

/* --- At the IOC */

static void look_at_folder(struct doctor *d, oph_device *store)
{
    char folder[1024], template[1024];
    double exists = 1;
    bool known = doctor_text(store, "file_path", folder, sizeof folder) && folder[0];
    if (oph_files_get(store, OPH_SIDE_IOC, template, sizeof template, NULL) == 0) {
        doctor_add(d, DOCTOR_OK, NULL, "%s will write to %s; staging asks the IOC for it",
                   oph_device_path(store), template);
        return;
    }
    if (!known) {
        doctor_add(d, DOCTOR_WARNING, "Say where to write by --write-root, or in a class file.",
                   "%s has no folder, neither at the IOC nor in the class", oph_device_path(store));
        return;
    }
    doctor_number(store, "file_path_exists", &exists);
    if (exists == 0)
        doctor_add(d, DOCTOR_FAILED, "Make it, mount it at the IOC, or set another FilePath.",
                   "%s: %s is no folder of the IOC", oph_device_path(store), folder);
    else
        doctor_add(d, DOCTOR_OK, NULL, "%s: the IOC has %s", oph_device_path(store), folder);
}

void doctor_folder(struct doctor *d)
{
    doctor_take_findings(d, (const char *const[]){"FilePathExists_RBV", NULL});
    doctor_each(d, d->det, "FileStorePluginBase", look_at_folder);
    if (!doctor_count(d)) doctor_add(d, DOCTOR_OK, NULL, "the class writes no files");
}

/* --- Here */

static void look_here(struct doctor *d, oph_device *store)
{
    char folder[1024];
    if (oph_files_get(store, OPH_SIDE_LOCAL, folder, sizeof folder, NULL) != 0)
        doctor_text(store, "file_path", folder, sizeof folder);
    if (!folder[0]) return;
    fixed_part(folder);
    if (access(folder, R_OK | X_OK) == 0)
        doctor_add(d, DOCTOR_OK, NULL, "%s: this machine sees %s", oph_device_path(store), folder);
    else
        doctor_add(d, DOCTOR_FAILED,
                   "Mount it, or say by --write-root and --read-root how the IOC and this machine "
                   "name the same folder.",
                   "%s: this machine does not see %s: files could not be read here",
                   oph_device_path(store), folder);
}

void doctor_here(struct doctor *d)
{
    doctor_each(d, d->det, "FileStorePluginBase", look_here);
    if (!doctor_count(d)) doctor_add(d, DOCTOR_OK, NULL, "there is no folder to look for");
}

/* --- Priming */

static bool opens_late(oph_device *store)
{
    const char *staged = oph_settings_value(store, "lazy_open");
    double now = 0;
    if (staged) return strcmp(staged, "0") != 0 && strcasecmp(staged, "No") != 0;
    return doctor_number(store, "lazy_open", &now) && now != 0;
}

static void look_at_priming(struct doctor *d, oph_device *store)
{
    int32_t differs = 0;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    bool late = opens_late(store);
    if (oph_primed(store, &differs, &report, &err))
        doctor_error(d, &err);
    else if (!differs)
        doctor_add(d, DOCTOR_OK, NULL, "%s knows the camera's frames", oph_device_path(store));
    else if (late)
        doctor_add(d, DOCTOR_OK, NULL,
                   "%s does not know the frames, and opens its file at the first "
                   "(LazyOpen)",
                   oph_device_path(store));
    else
        doctor_add(d, DOCTOR_FAILED,
                   "Stage lazy_open=1 (--set hdf1.lazy_open=1), or let the plugin see an image "
                   "first.",
                   "%s", oph_report_count(report) ? oph_report_at(report, 0)->text : "not primed");
    oph_report_free(report);
}

void doctor_priming(struct doctor *d)
{
    doctor_each(d, d->det, "FileStorePluginBase", look_at_priming);
    if (!doctor_count(d)) doctor_add(d, DOCTOR_OK, NULL, "the class writes no files");
}

/* --- Filters */

static const char *filter_of(const char *compression)
{
    static const char *const names[][2] = {
        {"zlib", "deflate"}, {"N-bit", "nbit"},       {"szip", "szip"}, {"Blosc", "Blosc"},
        {"LZ4", "LZ4"},      {"BSLZ4", "bitshuffle"}, {"JPEG", "JPEG"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(names[i][0], compression) == 0) return names[i][1];
    }
    return NULL;
}

static void look_at_filter(struct doctor *d, oph_device *plugin)
{
    const char *staged = oph_settings_value(plugin, "compression");
    char compression[64];
    oph_error err = OPH_ERROR_INIT;
    if (staged)
        snprintf(compression, sizeof compression, "%s", staged);
    else
        doctor_text(plugin, "compression", compression, sizeof compression);
    const char *filter = filter_of(compression);
    if (filter && oph_frames_can_read(filter, &err))
        doctor_add(d, DOCTOR_FAILED, "Install it here, or set another Compression.",
                   "%s compresses by %s: %s", oph_device_path(plugin), compression, err.text);
    else
        doctor_add(d, DOCTOR_OK, NULL, "%s: Compression is %s, which is read here",
                   oph_device_path(plugin), compression);
}

void doctor_filters(struct doctor *d)
{
    doctor_each(d, d->det, "HDF5Plugin", look_at_filter);
    if (!doctor_count(d)) doctor_add(d, DOCTOR_OK, NULL, "the class has no HDF5 plugin");
}
