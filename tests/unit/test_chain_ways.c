/* ad/chain: the ways of frames, over ports that need no IOC. */
#include "ad/chain.h"
#include "base/str.h"

#include <epicsUnitTest.h>
#include <string.h>

enum { CAM, ROI, BUFFER, PROC, WRITER, OTHER, PORTS };

static char words[PORTS][OPH__PORT_ROWS][24];
static struct oph__pv pvs[PORTS][OPH__PORT_ROWS];
static oph_signal signals[PORTS][OPH__PORT_ROWS];
static oph_device devices[PORTS];
static struct oph__port at[PORTS];
static const struct oph__ports ports = {.at = at, .count = PORTS, .rows = OPH__PORT_CHAIN};

static void set_text(int port, int row, const char *text)
{
    at[port].values[row] = (struct oph__port_value){.known = true, .number = (double)NAN};
    oph__copy(at[port].values[row].text, sizeof at[port].values[row].text, text);
}

static void set_number(int port, int row, double number)
{
    at[port].values[row] = (struct oph__port_value){.known = true, .number = number};
    oph__from_double(at[port].values[row].text, sizeof at[port].values[row].text, number);
}

/* cam -> roi -> buffer -> proc -> writer; and another, which takes its frames from nobody. */
static void set_up(void)
{
    static const struct {
        char *attr;
        const char *name, *source, *type;
    } all[PORTS] = {
        [CAM] = {"cam", "PIL", NULL, ""},
        [ROI] = {"roi1", "ROI1", "PIL", "NDPluginROI ver1"},
        [BUFFER] = {"cb1", "CB1", "ROI1", "NDPluginCircularBuff ver1"},
        [PROC] = {"proc1", "PROC1", "CB1", "NDPluginProcess ver1"},
        [WRITER] = {"hdf1", "H5", "PROC1", "NDFileHDF5 ver1"},
        [OTHER] = {"other", "OTHER", "NONE", "NDPluginStats ver1"},
    };
    for (int i = 0; i < PORTS; i++) {
        devices[i].attr = all[i].attr;
        at[i] = (struct oph__port){.dev = &devices[i]};
        for (int row = 0; row < OPH__PORT_CHAIN; row++) {
            if (i == CAM && row != OPH__PORT_NAME && row != OPH__PORT_CALLBACKS) continue;
            snprintf(words[i][row], sizeof words[i][row], "%s.%d", all[i].attr, row);
            pvs[i][row].name = words[i][row];
            signals[i][row].path = words[i][row];
            signals[i][row].read = &pvs[i][row];
            at[i].rows[row] = &signals[i][row];
            set_number(i, row, 0);
        }
        set_text(i, OPH__PORT_NAME, all[i].name);
        set_number(i, OPH__PORT_ENABLE, 1);
        set_number(i, OPH__PORT_CALLBACKS, 1);
        if (i == CAM) continue;
        set_text(i, OPH__PORT_SOURCE, all[i].source);
        set_text(i, OPH__PORT_TYPE, all[i].type);
    }
}

static void good(const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph__chain_check(&ports, &devices[WRITER], &devices[CAM], &err);
    testOk(rc == 0, "good: %s", what);
    if (rc) testDiag("%s", err.text);
    set_up();
}

static void bad(int writer, int port, int row, const char *wanted, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph__chain_check(&ports, &devices[writer], &devices[CAM], &err);
    testOk(rc == OPH_ESTATE && !strcmp(err.pv, words[port][row]) && strstr(err.wanted, wanted) &&
               !strcmp(err.found, found),
           "%s", err.text);
    set_up();
}

static void changer_is(int writer, int wanted, const char *what)
{
    const oph_device *found = oph__chain_changer(&ports, &devices[writer]);
    testOk(found == (wanted < 0 ? NULL : &devices[wanted]), "%s: %s", what,
           found ? found->attr : "nobody");
}

static void test_checks(void)
{
    good("from the camera, over all");
    bad(OTHER, OTHER, OPH__PORT_SOURCE, "the camera's PIL", "NONE, which no device here has");
    set_text(ROI, OPH__PORT_SOURCE, "H5");
    bad(WRITER, WRITER, OPH__PORT_SOURCE, "the camera's PIL",
        "PROC1, which takes its frames from itself in the end");
    set_text(BUFFER, OPH__PORT_SOURCE, "NONE");
    bad(WRITER, WRITER, OPH__PORT_SOURCE, "the camera's PIL",
        "PROC1, behind which cb1 takes frames from NONE");
    set_number(BUFFER, OPH__PORT_MIN_TIME, 0.5);
    bad(WRITER, BUFFER, OPH__PORT_MIN_TIME, "skip frames of hdf1", "0.5");
    set_number(PROC, OPH__PORT_ENABLE, 0);
    bad(WRITER, PROC, OPH__PORT_ENABLE, "the frames of hdf1 come through it", "0");
    set_number(PROC, OPH__PORT_CALLBACKS, 0);
    bad(WRITER, PROC, OPH__PORT_CALLBACKS, "the frames of hdf1 come through it", "0");
    set_number(WRITER, OPH__PORT_CALLBACKS, 0);
    good("a writer need not hand frames on");
}

/* What an IOC does not tell is no reason to refuse. */
static void test_unknown(void)
{
    at[CAM].values[OPH__PORT_NAME] = (struct oph__port_value){.number = (double)NAN};
    good("the camera's port is not known");
    at[CAM].values[OPH__PORT_NAME] = (struct oph__port_value){.number = (double)NAN};
    set_number(WRITER, OPH__PORT_MIN_TIME, 0.25);
    bad(WRITER, WRITER, OPH__PORT_MIN_TIME, "skip frames", "0.25");
    at[ROI].values[OPH__PORT_ENABLE] = (struct oph__port_value){.number = (double)NAN};
    good("whether a plugin is enabled is not known");
}

static void test_changers(void)
{
    changer_is(WRITER, BUFFER, "a circular buffer passes on what it likes");
    changer_is(BUFFER, -1, "but not where it is the end");
    set_number(PROC, OPH__PORT_FILTER, 1);
    changer_is(WRITER, PROC, "a filter that adds up, the nearest");
    set_number(PROC, OPH__PORT_FILTER, 0);
    set_text(PROC, OPH__PORT_SOURCE, "H5");
    changer_is(WRITER, -1, "a circle");
    set_up();
    testOk1(oph__chain_passes(&ports, &devices[WRITER], &devices[BUFFER]));
    testOk1(!oph__chain_passes(&ports, &devices[BUFFER], &devices[PROC]));
}

static void serve(int port, const char *server)
{
    oph__copy(at[port].server, sizeof at[port].server, server);
}

/* Each of several IOCs may have ports of the same names. */
static void test_iocs(void)
{
    for (int i = 0; i < PORTS; i++)
        serve(i, i == CAM || i == ROI ? "first:5064" : "second:5064");
    set_text(OTHER, OPH__PORT_NAME, "PIL");
    set_text(BUFFER, OPH__PORT_SOURCE, "PIL");
    testOk1(oph__port_source(&ports, &at[BUFFER]) == &at[OTHER]);
    testOk1(oph__port_source(&ports, &at[ROI]) == &at[CAM]);
    testOk1(!oph__port_same_ioc(&at[CAM], &at[OTHER]) && oph__port_same_ioc(&at[CAM], &at[ROI]));
    bad(WRITER, WRITER, OPH__PORT_SOURCE, "the camera's PIL",
        "PROC1, behind which other takes frames from NONE");
    serve(WRITER, "second:5064");
    good("an IOC that answers at two addresses is one");
    serve(OTHER, "");
    testOk1(oph__port_same_ioc(&at[CAM], &at[OTHER]));
    set_up();
}

int main(void)
{
    testPlan(0);
    set_up();
    test_checks();
    test_unknown();
    test_changers();
    test_iocs();
    return testDone();
}
