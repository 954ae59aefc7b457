/* The faults of the whole IOC: late answers, lost circuits, its clock, its end and its restart. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { EPICS_EPOCH = 631152000 }; /* in seconds since 1970 */

static char folder[] = "/tmp/cophyd-server-XXXXXX";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct sim *start(const char *fault)
{
    return sim_start((const char *const[]){"--size", "32x24", "--instant", "--exposure", "0.01",
                                           "--raw", folder, fault ? "--fault" : NULL, fault, NULL});
}

static double time_of(struct probe *p, const char *what)
{
    char text[64];
    double begin = now();
    if (strcmp(what, "get") == 0)
        testOk(probe_get(p, "cam1:AcquireTime", text, sizeof text) == 0, "a get is answered");
    else
        testOk(probe_put_complete(p, "cam1:ImageMode", "1", 30) == 0, "a put is answered");
    return now() - begin;
}

static void late_answers(struct probe *p)
{
    double get = time_of(p, "get"), put = time_of(p, "put");
    testOk(get >= 0.4 && put >= 0.4, "after %.2f and %.2f s", get, put);
}

static void delay(struct probe *p)
{
    time_of(p, "put");
    time_of(p, "get");
    testOk(probe_put(p, "sim1:ReplyDelay", "0.4") == 0, "the server gets slow");
    testOk(probe_until(p, "sim1:ReplyDelay", "0.400", 10) == 0, "it is");
    late_answers(p);
    testOk(probe_put_complete(p, "sim1:ReplyDelay", "0", 10) == 0, "it ends");
}

static void disconnect(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "0.75");
    testOk(probe_put(p, "sim1:Disconnect", "0.5") == 0, "circuits are dropped");
    testOk(probe_until_up(p, "cam1:AcquireTime", 0, 10) == 0, "the channel is down");
    testOk(probe_until_up(p, "cam1:AcquireTime", 1, 60) == 0, "it comes up by itself");
    probe_is(p, "cam1:AcquireTime", "0.750");
    testOk(probe_until_up(p, "sim1:Disconnect", 1, 60) == 0, "so do the faults");
    probe_is(p, "sim1:Disconnect", "0.000");
    testOk(probe_until_up(p, "cam1:ImageMode", 1, 60) == 0, "and the rest");
}

/* The seconds by which a record's time stamp is before our clock. */
static double behind(struct probe *p, const char *name)
{
    struct probe_value v;
    if (probe_read(p, name, &v) != 0) return NAN;
    free(v.data);
    return difftime(time(NULL), (time_t)v.seconds + EPICS_EPOCH);
}

static void is_off(struct probe *p, double seconds)
{
    probe_set(p, "cam1:ImageMode", "0");
    double found = -behind(p, "cam1:ImageMode");
    testOk(fabs(found - seconds) < 60, "the IOC's clock is off by %g s, wanted %g", found, seconds);
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "an image is taken");
    double stamp = probe_get_number(p, "cam1:EpicsTSSec_RBV") + EPICS_EPOCH;
    testOk(fabs(stamp - (double)time(NULL) - seconds) < 60, "the image's time too");
}

static void clock_off(struct probe *p)
{
    is_off(p, 0);
    probe_set(p, "sim1:ClockOffset", "3600");
    is_off(p, 3600);
    probe_set(p, "sim1:ClockOffset", "-3600");
    is_off(p, -3600);
    probe_set(p, "sim1:ClockOffset", "0");
    is_off(p, 0);
}

static void staged(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "0.0625");
    probe_set(p, "cam1:NumImages", "3");
    probe_set(p, "cam1:ImageMode", "Multiple");
    probe_set(p, "HDF1:FilePath", folder);
    probe_set(p, "HDF1:FileName", "a name");
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:LazyOpen", "Yes");
    probe_set(p, "HDF1:EnableCallbacks", "Enable");
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "Capture=1");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Capturing", 5) == 0, "it captures");
}

static void comes_back(struct probe *p, const char *fault)
{
    testOk(probe_put(p, fault, "0.05") == 0, "%s", fault);
    testOk(probe_until_up(p, "HDF1:Capture_RBV", 0, 10) == 0, "it goes down");
    testOk(probe_until_up(p, "HDF1:Capture_RBV", 1, 90) == 0, "it comes up");
    testOk(probe_until_up(p, "cam1:AcquireTime", 1, 90) == 0, "all of it");
}

static void restarts(struct probe *p)
{
    staged(p);
    comes_back(p, "sim1:RestartSaved");
    char path[64];
    snprintf(path, sizeof path, "%s/", folder);
    testOk(probe_until(p, "HDF1:EnableCallbacks", "Enable", 10) == 0, "autosave restores");
    testOk(probe_until(p, "HDF1:LazyOpen", "Yes", 10) == 0, "all");
    probe_is(p, "cam1:AcquireTime", "0.063");
    testOk(probe_get_number(p, "cam1:AcquireTime_RBV") == 0.0625, "to the last digit");
    probe_is(p, "cam1:NumImages", "3");
    probe_is(p, "cam1:NumImages_RBV", "3");
    probe_is(p, "cam1:ImageMode", "Multiple");
    probe_is(p, "HDF1:FilePath_RBV", path);
    probe_is(p, "HDF1:FileName", "a name");
    probe_is(p, "HDF1:FileWriteMode", "Stream");
    probe_is(p, "HDF1:Capture", "Done");
    probe_is(p, "HDF1:Capture_RBV", "Done");
    probe_is(p, "cam1:Acquire", "Done");
    comes_back(p, "sim1:Restart");
    probe_is(p, "cam1:AcquireTime", "0.010");
    probe_is(p, "cam1:NumImages", "1");
    probe_is(p, "HDF1:FileName", "");
    probe_is(p, "HDF1:LazyOpen", "No");
    probe_is(p, "HDF1:Capture_RBV", "Done");
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "an image is taken");
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
}

/* Its end is its own: nobody sends it a signal. */
static void dies(struct sim *sim)
{
    siginfo_t end = {0};
    testOk(waitid(P_PID, (id_t)sim_pid(sim), &end, WEXITED | WNOWAIT) == 0, "it ends");
    testOk(end.si_code == CLD_KILLED && end.si_status == 9, "killed, not stopped");
    sim_stop(sim);
}

static void crash(void)
{
    struct sim *sim = start(NULL);
    struct probe *p = probe_new("Pilatus:");
    testOk(probe_until_up(p, "cam1:Acquire", 1, 10) == 0, "a channel is up");
    testOk(probe_put(p, "sim1:Crash", "0.05") == 0, "it crashes");
    testOk(probe_until_up(p, "cam1:Acquire", 0, 10) == 0, "the channel is down");
    dies(sim);
    probe_free(p);
    dies(start("Crash=0.3"));
}

/* Those that end by themselves can begin at the start, too. */
static void by_option(void)
{
    struct sim *sim = start("ReplyDelay=0.4");
    struct probe *p = probe_new("Pilatus:");
    late_answers(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    sim = start("ClockOffset=3600");
    p = probe_new("Pilatus:");
    is_off(p, 3600);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    sim = start("Disconnect=0.5");
    p = probe_new("Pilatus:");
    testOk(probe_until_up(p, "cam1:Acquire", 1, 60) == 0, "it can be found later");
    testOk(probe_until(p, "sim1:Disconnect", "0.000", 10) == 0, "when that is over");
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
}

int main(void)
{
    char command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim = start(NULL);
    struct probe *p = probe_new("Pilatus:");
    delay(p);
    clock_off(p);
    disconnect(p);
    restarts(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    crash();
    by_option();
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
