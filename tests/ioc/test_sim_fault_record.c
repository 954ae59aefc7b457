/* The faults of single records. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/fault.h"
#include "lib/probe.h"

static void set_up(struct probe *p)
{
    testOk(probe_watch(p, (const char *const[]){"cam1:AcquirePeriod"}, 1) == 0, "watched");
}

/* It acts, as the readback shows; only the completion never comes. */
static void put_stuck(struct probe *p)
{
    testOk(probe_put_start(p, "HDF1:NumCapture", "7") == 0, "a put is started");
    testOk(probe_until(p, "HDF1:NumCapture_RBV", "7", 5) == 0, "it acts");
    testOk(probe_completed(p, "HDF1:NumCapture", 0.5) != 0, "it does not complete");
    probe_set(p, "HDF1:FileNumber", "3"); /* on the same port */
    fault_set(p, "PutStuck", "");
    testOk(probe_completed(p, "HDF1:NumCapture", 5) == 0, "it does when the fault ends");
}

static void put_well(struct probe *p)
{
    probe_set(p, "HDF1:NumCapture", "1");
    probe_is(p, "HDF1:NumCapture_RBV", "1");
}

static void stays(struct probe *p)
{
    char before[64];
    if (probe_get(p, "cam1:AcquireTime_RBV", before, sizeof before) != 0) before[0] = '\0';
    probe_set(p, "cam1:AcquireTime", "0.5");
    probe_is(p, "cam1:AcquireTime", "0.500");
    probe_set(p, "cam1:AcquirePeriod", "0.75"); /* others still follow */
    testOk(probe_until(p, "cam1:AcquirePeriod_RBV", "0.750", 5) == 0, "another follows");
    probe_is(p, "cam1:AcquireTime_RBV", before);
    probe_set(p, "cam1:AcquirePeriod", "0.01");
}

static void late(struct probe *p)
{
    testOk(probe_watch(p, (const char *const[]){"cam1:AcquireTime_RBV"}, 1) == 0, "watched");
    int mark = probe_mark(p);
    probe_set(p, "cam1:AcquireTime", "0.25");
    struct probe_event e;
    int seen = 0;
    for (int i = mark; probe_event(p, i, &e); i++)
        seen += strcmp(e.name, "cam1:AcquireTime_RBV") == 0;
    testOk(seen == 0, "the put completes before the readback moves");
    testOk(probe_wait(p, mark, "cam1:AcquireTime_RBV", "0.250", 10) >= 0, "it moves later");
}

static void exposure_well(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "0.01");
    testOk(probe_until(p, "cam1:AcquireTime_RBV", "0.010", 5) == 0, "the readback follows");
}

static void is_nan(struct probe *p)
{
    testOk(probe_until(p, "cam1:AcquireTime_RBV", "nan", 5) == 0, "it reads as no number");
    testOk(probe_get_severity(p, "cam1:AcquireTime_RBV") == 3, "and INVALID");
    probe_set(p, "cam1:AcquireTime", "0.125");
    testOk(isnan(probe_get_number(p, "cam1:AcquireTime_RBV")), "whatever is put");
}

static void is_wild(struct probe *p)
{
    testOk(probe_until(p, "HDF1:NumCaptured_RBV", "2147483647", 5) == 0, "a wild count");
}

static void counts_well(struct probe *p)
{
    testOk(probe_until(p, "HDF1:NumCaptured_RBV", "0", 5) == 0, "the count is 0");
}

/* Found is whatever comes up; what was asked for before and does not is missing. */
static void is_missing(struct probe *p)
{
    testOk(probe_until_up(p, "cam1:Temperature", 0, 10) == 0, "it is down");
    testOk(probe_until_up(p, "cam1:TemperatureActual", 1, 30) == 0, "its neighbour is found");
    testOk(probe_until_up(p, "cam1:AcquirePeriod", 1, 30) == 0, "the others are there again");
    testOk(probe_until_up(p, "sim1:Missing", 1, 30) == 0, "and the faults");
    testOk(probe_until_up(p, "cam1:Temperature", 1, 0.5) != 0, "it is not");
}

static void is_there(struct probe *p)
{
    testOk(probe_until_up(p, "cam1:Temperature", 1, 40) == 0, "the record is there");
    testOk(probe_until_up(p, "sim1:Missing", 1, 40) == 0, "and the faults");
}

static void read_only(struct probe *p)
{
    struct probe_facts facts;
    testOk(probe_describe(p, "cam1:AcquireTime", &facts) == 0 && !facts.writable,
           "no write access");
    testOk(probe_put_complete(p, "cam1:AcquireTime", "0.5", 5) != 0, "a put fails");
    probe_is(p, "cam1:AcquireTime", "0.010");
    probe_set(p, "cam1:AcquirePeriod", "0.02"); /* others can be written */
}

static void writable(struct probe *p)
{
    struct probe_facts facts;
    testOk(probe_describe(p, "cam1:AcquireTime", &facts) == 0 && facts.writable, "write access");
    exposure_well(p);
}

int main(void)
{
    static const struct fault faults[] = {
        {"PutStuck", "HDF1:NumCapture", put_stuck, put_well, 0},
        {"ReadbackStays", "cam1:AcquireTime_RBV", stays, exposure_well, 0},
        {"ReadbackLate", "cam1:AcquireTime_RBV,2", late, exposure_well, 0},
        {"NaN", "cam1:AcquireTime_RBV", is_nan, exposure_well, 0},
        {"Wild", "HDF1:NumCaptured_RBV", is_wild, counts_well, 0},
        {"ReadOnly", "cam1:AcquireTime", read_only, writable, 0},
        {"Missing", "cam1:Temperature", is_missing, is_there, 1},
    };
    testPlan(0);
    fault_try(faults, sizeof faults / sizeof *faults, set_up);
    return testDone();
}
