/* The IOC itself: is it there, which is it, and does it have what the class says? */
#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- Connection */

static void add_report(struct doctor *d, enum doctor_grade grade, const oph_report *report,
                       const char *advice)
{
    size_t count = oph_report_count(report), most = doctor_most(d, count);
    for (size_t i = 0; i < most; i++)
        doctor_add(d, grade, i + 1 == count ? advice : NULL, "%s", oph_report_at(report, i)->text);
    if (most < count) doctor_add(d, grade, advice, "and %zu more (--all lists them)", count - most);
}

/* Whether any device's port answers. */
static bool somebody_is_there(struct doctor *d)
{
    char text[64];
    bool there = false;
    for (size_t i = 0; !there && i < oph_device_child_count(d->det); i++)
        there = doctor_text(oph_device_child_at(d->det, i), "port_name", text, sizeof text);
    return there;
}

void doctor_connection(struct doctor *d)
{
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_connect(d->det, d->cli->timeout, &report, &err);
    if (!rc) {
        doctor_add(d, DOCTOR_OK, NULL, "all that an acquisition needs is there");
    } else if (rc == OPH_EDISCONN && !somebody_is_there(d)) {
        d->alone = !cli_interrupted();
        doctor_add(d, DOCTOR_FAILED,
                   "Is the IOC running, and is the prefix right? EPICS_CA_ADDR_LIST or "
                   "EPICS_CA_NAME_SERVERS must lead to it.",
                   "nothing with the prefix %s answers", oph_device_prefix(d->det));
    } else if (oph_report_count(report)) {
        add_report(d, DOCTOR_FAILED, report,
                   "Correct the class, or load what is missing into the IOC.");
    } else {
        doctor_error(d, &err);
    }
    oph_report_free(report);
}

/* --- Version */

void doctor_version(struct doctor *d)
{
    char core[64], driver[64], manufacturer[64], model[64];
    if (!d->cam) {
        doctor_add(d, DOCTOR_WARNING, "Declare the camera, with a class that has CamBase.",
                   "the class has no camera");
        return;
    }
    doctor_text(d->cam, "driver_version", driver, sizeof driver);
    doctor_text(d->cam, "manufacturer", manufacturer, sizeof manufacturer);
    doctor_text(d->cam, "model", model, sizeof model);
    if (!doctor_text(d->cam, "ad_core_version", core, sizeof core)) {
        doctor_add(d, DOCTOR_WARNING,
                   "Say the release in the class, as PilatusDetectorCam@2.1: it is taken for the "
                   "oldest.",
                   "%s %s, of an ADCore that does not tell its release", manufacturer, model);
        return;
    }
    doctor_add(d, DOCTOR_OK, NULL, "ADCore %s; %s %s, driver %s", core, manufacturer, model,
               driver[0] ? driver : "of no known release");
}

/* --- Server */

enum { MOST_SERVERS = 8 };
struct servers {
    char hosts[MOST_SERVERS][64];
    char first[MOST_SERVERS][128]; /* a device that is there */
    size_t count;
};

static void add_server(struct servers *s, oph_device *dev)
{
    oph_properties properties = {.size = sizeof properties};
    oph_signal *sig = NULL;
    if (oph_signal_find(dev, "port_name", &sig, NULL) ||
        oph_signal_properties(sig, OPH_PART_READBACK, OPH_DEFAULT, &properties, NULL))
        return;
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->hosts[i], properties.host) == 0) return;
    }
    if (s->count == MOST_SERVERS) return;
    snprintf(s->hosts[s->count], sizeof s->hosts[0], "%s", properties.host);
    snprintf(s->first[s->count++], sizeof s->first[0], "%s", oph_device_prefix(dev));
}

/* A gateway looks like any server, but for its address. */
void doctor_server(struct doctor *d)
{
    struct servers s = {.count = 0};
    char text[MOST_SERVERS * 200] = "";
    for (size_t i = 0; i < oph_device_child_count(d->det); i++)
        add_server(&s, oph_device_child_at(d->det, i));
    for (size_t i = 0; i < s.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s at %s", i ? ", " : "",
                 s.first[i], s.hosts[i]);
    if (s.count > 1)
        doctor_add(d, DOCTOR_WARNING,
                   "Two IOCs, or an IOC and a gateway, answer for one detector: the order of puts "
                   "is kept for each alone. Let EPICS_CA_ADDR_LIST lead to the IOC itself.",
                   "%zu servers: %s", s.count, text);
    else
        doctor_add(d, DOCTOR_OK, NULL, "%s (where that is not the IOC's own host it is a gateway)",
                   s.count ? s.hosts[0] : "unknown");
}

/* --- Records */

void doctor_records(struct doctor *d)
{
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_differences(d->det, d->cli->timeout, &report, &err))
        doctor_error(d, &err);
    else if (oph_report_count(report))
        add_report(d, DOCTOR_WARNING, report,
                   "Another release, or another template: where they are needed, say in a class "
                   "how they are.");
    else
        doctor_add(d, DOCTOR_OK, NULL, "all records are as the classes say");
    oph_report_free(report);
}

/* --- Clock */

/* Of a record's time, seconds: it is scanned every second. */
static const double SCAN = 1.0, TOLERANCE = 2.0;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How old a record's value is by our clock; NaN where it cannot be read. */
static double age_of(oph_device *dev, const char *path, double *ret_stamp)
{
    oph_signal *sig = NULL;
    oph_value *value = NULL;
    double age = (double)NAN;
    if (oph_signal_find(dev, path, &sig, NULL) == 0 &&
        oph_signal_read(sig, NULL, &value, NULL) == 0) {
        *ret_stamp = cli_time(value);
        age = now() - *ret_stamp;
    }
    oph_value_free(value);
    return age;
}

void doctor_judge_clock(struct doctor *d, double ahead)
{
    if (fabs(ahead) < TOLERANCE) {
        doctor_add(d, DOCTOR_OK, NULL, "the IOC's clock and this one agree within %g s", TOLERANCE);
        return;
    }
    doctor_add(d, DOCTOR_FAILED,
               "Set both by NTP: times of frames and of folders (%Y/%m/%d) would be wrong.",
               "the IOC's clock is %.1f s %s of this one", fabs(ahead),
               ahead > 0 ? "ahead" : "behind");
}

void doctor_clock(struct doctor *d)
{
    double first = 0, second = 0;
    double age = d->cam ? age_of(d->cam, "array_rate", &first) : (double)NAN;
    if (age < SCAN + TOLERANCE && age > -TOLERANCE) {
        doctor_judge_clock(d, 0);
        return;
    }
    /* Behind, or nobody scans the record: then its time stands still. */
    const struct timespec pause = {1, 200000000};
    nanosleep(&pause, NULL);
    age = d->cam ? age_of(d->cam, "array_rate", &second) : (double)NAN;
    if (second > first || age < -TOLERANCE)
        doctor_judge_clock(d, age < 0 ? -age : -(age - SCAN));
    else
        doctor_add(d, DOCTOR_OK, NULL,
                   "no record is scanned whose time would tell; --acquire looks at a frame's");
}

/* --- Journal */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

void doctor_journal(struct doctor *d)
{
    oph_journals *journals = NULL;
    oph_error err = OPH_ERROR_INIT;
    const char *prefix = oph_device_prefix(d->det);
    char advice[512];
    if (oph_journals_find(&journals, &err)) {
        doctor_error(d, &err);
        return;
    }
    for (size_t i = 0; i < oph_journals_count(journals); i++) {
        const oph_journal *j = oph_journals_at(journals, i);
        if (j->broken) {
            doctor_add(d, DOCTOR_WARNING, "Look into it; removing it forgets what is in it.",
                       "%s: %s", j->file, j->why);
            continue;
        }
        if (!begins(j->prefix, prefix) && !begins(prefix, j->prefix)) continue;
        if (j->alive) {
            snprintf(advice, sizeof advice, "Wait for it: process %d of this machine.", j->pid);
            doctor_add(d, DOCTOR_WARNING, advice, "%s has %s staged", j->program, j->prefix);
        } else {
            snprintf(advice, sizeof advice, "cophyd recover %s puts them back.", j->prefix);
            doctor_add(d, DOCTOR_FAILED, advice,
                       "%s, which was killed, left %u settings of %s changed", j->program, j->count,
                       j->prefix);
        }
    }
    oph_journals_free(journals);
    if (!doctor_count(d)) doctor_add(d, DOCTOR_OK, NULL, "no client left anything staged");
}
