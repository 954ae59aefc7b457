/* The way of frames: plugins, callbacks, queues, and the camera's own files. */
#include "cli/doctor.h"

#include <string.h>
#include <strings.h>

/* --- What oph_validate finds, in the check that it belongs to */

static bool validate(struct doctor *d)
{
    oph_error err = OPH_ERROR_INIT;
    if (d->findings) return true;
    if (oph_validate(d->det, d->cli->timeout, &d->findings, &err) == 0) return true;
    doctor_error(d, &err);
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), more = strlen(end);
    return length >= more && strcmp(text + length - more, end) == 0;
}

void doctor_take_findings(struct doctor *d, const char *const *endings)
{
    if (!validate(d)) return;
    for (size_t i = 0; i < oph_findings_count(d->findings); i++) {
        const oph_finding *f = oph_findings_at(d->findings, i);
        bool ours = false;
        for (size_t j = 0; endings[j]; j++)
            ours = ours || ends_with(f->error.pv, endings[j]);
        if (ours)
            doctor_add(d, f->severity == OPH_SEVERITY_ERROR ? DOCTOR_FAILED : DOCTOR_WARNING,
                       f->advice, "%s", f->error.text);
    }
}

static void take_or_ok(struct doctor *d, const char *const *endings, const char *well)
{
    doctor_take_findings(d, endings);
    if (!doctor_count(d)) doctor_add(d, DOCTOR_OK, NULL, "%s", well);
}

/* --- Plugins */

void doctor_plugins(struct doctor *d)
{
    oph_plugins *plugins = NULL;
    oph_error err = OPH_ERROR_INIT;
    char text[1024] = "";
    doctor_take_findings(d, (const char *const[]){"PortName_RBV", "PluginType_RBV", NULL});
    if (oph_missing_plugins(d->det, d->cli->timeout, &plugins, &err)) {
        doctor_error(d, &err);
        return;
    }
    for (size_t i = 0; i < oph_plugins_count(plugins); i++) {
        const oph_plugin *p = oph_plugins_at(plugins, i);
        if (!p->prefix[0])
            doctor_add(d, DOCTOR_WARNING, "Declare it with its prefix, if frames come through it.",
                       "frames are taken from port %s, whose plugin is none of the usual ones",
                       p->port);
        else
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] ? " " : "",
                     p->prefix + strlen(oph_device_prefix(d->det)));
    }
    if (!doctor_count(d))
        doctor_add(d, DOCTOR_OK, NULL, "those of the class are there%s%s",
                   text[0] ? "; the IOC also has " : "", text);
    oph_plugins_free(plugins);
}

/* --- The rest */

void doctor_chain(struct doctor *d)
{
    take_or_ok(d, (const char *const[]){"NDArrayPort", "NDArrayPort_RBV", NULL},
               "each plugin's frames come from the camera");
}

/* What sees no frame once it is staged, and writes none: an image plugin, for one. */
static void look_at_enable(struct doctor *d, oph_device *dev)
{
    double now = 1;
    char advice[256];
    const char *staged = oph_settings_value(dev, "enable");
    bool off = staged && (strcmp(staged, "0") == 0 || strcasecmp(staged, "Disable") == 0);
    if (!staged) off = doctor_number(dev, "enable", &now) && now == 0;
    if (!off) return;
    snprintf(advice, sizeof advice, "Stage it with enable=1, or put 1 to %sEnableCallbacks.",
             oph_device_prefix(dev));
    doctor_add(d, DOCTOR_WARNING, advice, "%s is disabled: it sees no frame", oph_device_path(dev));
}

void doctor_callbacks(struct doctor *d)
{
    doctor_take_findings(d, (const char *const[]){"EnableCallbacks", "EnableCallbacks_RBV",
                                                  "ArrayCallbacks", "ArrayCallbacks_RBV",
                                                  "MinCallbackTime", "MinCallbackTime_RBV", NULL});
    if (!doctor_count(d)) doctor_each(d, d->det, "PluginBase", look_at_enable);
    if (!doctor_count(d))
        doctor_add(d, DOCTOR_OK, NULL, "frames are handed on, or will be when it is staged");
}

void doctor_blocking(struct doctor *d)
{
    take_or_ok(d, (const char *const[]){"BlockingCallbacks", "BlockingCallbacks_RBV", NULL},
               "the driver waits for no plugin");
}

static void look_at_queue(struct doctor *d, oph_device *dev)
{
    double size, room;
    if (!doctor_number(dev, "queue_size", &size) || !doctor_number(dev, "queue_free", &room))
        return;
    if (room > 0 && room < size / 2)
        doctor_add(d, DOCTOR_WARNING,
                   "Is it slow, or is something acquiring now? When the queue is full frames get "
                   "lost.",
                   "%.0f of %.0f frames wait for %s", size - room, size, oph_device_path(dev));
}

void doctor_queues(struct doctor *d)
{
    doctor_take_findings(d, (const char *const[]){"QueueFree", "QueueFree_RBV", NULL});
    doctor_each(d, d->det, "PluginBase", look_at_queue);
    if (!doctor_count(d)) doctor_add(d, DOCTOR_OK, NULL, "there is room in all");
}

void doctor_camera_files(struct doctor *d)
{
    char folder[512] = "", name[512], template[512];
    doctor_take_findings(d, (const char *const[]){"FilePath", "FilePath_RBV", "FileName",
                                                  "FileName_RBV", "FileTemplate",
                                                  "FileTemplate_RBV", NULL});
    if (doctor_count(d)) return;
    if (!d->cam || !oph_device_is(d->cam, "PilatusDetectorCam")) {
        doctor_add(d, DOCTOR_OK, NULL, "the camera needs none");
        return;
    }
    doctor_text(d->cam, "file_path", folder, sizeof folder);
    doctor_text(d->cam, "file_name", name, sizeof name);
    doctor_text(d->cam, "file_template", template, sizeof template);
    doctor_add(d, DOCTOR_OK, NULL, "the camera writes %s as %s, named %s", folder, template, name);
}
