/* What PVs are: properties of every record type, as an independent client sees them, and as they
 * change. */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/plain.h"
#include "lib/probe.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static oph_context *ctx;
static struct probe *probe;
static char host[32];

static bool equal(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_labels(const oph_properties *p, const struct probe_facts *f)
{
    char labels[512] = "";

    for (uint32_t i = 0; i < p->label_count; i++) {
        size_t used = strlen(labels);
        snprintf(labels + used, sizeof labels - used, "%s%s", i ? "|" : "", p->labels[i]);
    }
    return strcmp(labels, f->labels) == 0;
}

static bool same_limits(const oph_properties *p, const struct probe_facts *f)
{
    return equal(p->control_low, f->low) && equal(p->control_high, f->high) &&
           equal(p->display_low, f->display_low) && equal(p->display_high, f->display_high) &&
           equal(p->warning_low, f->warning_low) && equal(p->warning_high, f->warning_high) &&
           equal(p->alarm_low, f->alarm_low) && equal(p->alarm_high, f->alarm_high);
}

static void tell(const oph_properties *p)
{
    testDiag("ours: %s[%u], write %d, units '%s', precision %d, control %g %g, display %g %g, "
             "warning %g %g, alarm %g %g, %u labels, %s",
             oph_dtype_name(p->dtype), p->count, p->writable, p->units, p->precision,
             p->control_low, p->control_high, p->display_low, p->display_high, p->warning_low,
             p->warning_high, p->alarm_low, p->alarm_high, p->label_count, p->host);
}

/* What an independent client sees of each. */
static void test_properties(void)
{
    static const char *const names[] = {
        "aai",        "aao",       "ai",         "ao",         "aSub",     "bi",       "bo",
        "calc",       "calcout",   "compress",   "dfanout",    "event",    "fanout",   "histogram",
        "int64in",    "int64out",  "longin",     "longout",    "lsi",      "lso",      "mbbi",
        "mbbiDirect", "mbbo",      "mbboDirect", "permissive", "printf",   "sel",      "seq",
        "state",      "stringin",  "stringout",  "sub",        "subArray", "waveform", "of:SHORT",
        "of:UCHAR",   "of:STRING", "ai.PREC",    "ai.SCAN",    "ai.HIHI",  "ai.DTYP",  "mbbo.TWST",
        "lso.VAL$",   "ai.DISP",   "untouched"};
    enum { NAMES = sizeof names / sizeof *names };
    struct oph__buf text = {0};
    char attr[16];

    for (int i = 0; i < NAMES; i++)
        oph__buf_addf(&text, "row r%d %s rw any config\n", i, names[i]);
    oph_device *dev = plain_device(ctx, text.text);
    oph__buf_free(&text);
    probe_connect(probe, names, NAMES);
    plain_connect(ctx, dev);
    for (int i = 0; i < NAMES; i++) {
        oph_properties p = {.size = sizeof p};
        struct probe_facts f = {.type = ""};
        oph_error err = OPH_ERROR_INIT;
        snprintf(attr, sizeof attr, "r%d", i);
        int rc = oph_signal_properties(plain_signal(dev, attr), OPH_PART_READBACK, OPH_DEFAULT, &p,
                                       &err);
        probe_describe(probe, names[i], &f);
        bool same = !rc && plain_dtype(f.type) == p.dtype && p.count == (uint32_t)f.count &&
                    p.writable == f.writable && p.readable == 1 && strcmp(p.units, f.units) == 0 &&
                    p.precision == (f.precision < 0 ? 0 : f.precision) && same_labels(&p, &f) &&
                    same_limits(&p, &f) && strstr(p.host, host) != NULL;
        testOk(same, "what %s is", names[i]);
        if (rc) testDiag("%s", err.text);
        if (!same) tell(&p);
    }
    oph_device_free(dev);
}

/* Not only the same as somebody else sees. */
static void test_known_properties(void)
{
    oph_device *dev = plain_device(ctx, "row ao ao rw any config\nrow mbbi mbbi rw any config\n");
    oph_properties p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;

    check_done(
        oph_signal_properties(plain_signal(dev, "ao"), OPH_PART_SETPOINT, OPH_DEFAULT, &p, &err),
        &err, "an analogue output");
    testOk(p.dtype == OPH_FLOAT64 && p.count == 1 && p.writable && strcmp(p.units, "s") == 0 &&
               p.precision == 2 && p.label_count == 0,
           "is a number of seconds");
    testOk(p.control_low == -5 && p.control_high == 5 && p.display_low == -6 &&
               p.display_high == 6 && p.warning_low == -3 && p.warning_high == 3 &&
               p.alarm_low == -4 && p.alarm_high == 4,
           "within its limits");
    check_done(
        oph_signal_properties(plain_signal(dev, "mbbi"), OPH_PART_READBACK, OPH_DEFAULT, &p, &err),
        &err, "a multi-bit input");
    testOk(p.dtype == OPH_ENUM && p.label_count == 4 && strcmp(p.labels[1], "Acquire") == 0 &&
               strcmp(p.labels[3], "Waiting for the trigger") == 0,
           "has labels");
    oph_device_free(dev);
}

/* Units and labels that change while the device is used. */
static void test_changing_properties(void)
{
    oph_device *dev = plain_device(ctx, "row changing changing rw any config\n"
                                        "row labels labels rw any config\n");
    oph_signal *changing = plain_signal(dev, "changing");
    const oph_subscribe_options opt = {.size = sizeof opt, .mask = OPH_ON_PROPERTY};
    oph_properties p = {.size = sizeof p};
    struct events said;
    oph_error err = OPH_ERROR_INIT;

    events_init(&said);
    check_done(oph_signal_properties(changing, OPH_PART_READBACK, OPH_DEFAULT, &p, &err), &err,
               "what it is at first");
    testOk(strcmp(p.units, "mm") == 0 && p.precision == 2, "%s", p.units);
    oph_subscription *sub = events_follow(&said, dev, "changing", &opt);
    events_have(&said, "metadata", 10);
    events_forget(&said);
    probe_set(probe, "changing.EGU", "m");
    events_have(&said, "metadata", 10);
    check_done(oph_signal_properties(changing, OPH_PART_READBACK, OPH_DEFAULT, &p, &err), &err,
               "what it is now");
    testOk(strcmp(p.units, "m") == 0, "%s", p.units);
    oph_subscription_free(sub);

    events_forget(&said);
    sub = events_follow(&said, dev, "labels", &opt);
    events_have(&said, "metadata", 10);
    check_done(oph_put(dev, "labels", "One", &err), &err, "by a label");
    events_forget(&said);
    probe_set(probe, "labels.ONST", "Uno");
    events_have(&said, "metadata", 10);
    check_refused(oph_put(dev, "labels", "One", &err), &err, OPH_ERANGE, "dev.labels", "p:labels",
                  "One", "Zero, Uno, Two");
    check_done(oph_put(dev, "labels", "Uno", &err), &err, "by its new label");
    oph_subscription_free(sub);
    events_free(&said);
    oph_device_free(dev);
}

int main(void)
{
    testPlan(0);
    struct sim *plain = plain_start();
    snprintf(host, sizeof host, ":%d", sim_port(plain));
    probe = probe_new("p:");
    ctx = plain_context(0, 0, 0);
    test_properties();
    test_known_properties();
    test_changing_properties();
    oph_context_free(ctx);
    probe_free(probe);
    sim_stop(plain);
    return testDone();
}
