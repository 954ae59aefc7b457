#include "lib/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/sim.h"

static char folder[] = "/tmp/cophyd-fault-XXXXXX";
static struct sim *sim;

static struct probe *start(const char *fault, void (*set_up)(struct probe *))
{
    char root[80];
    snprintf(root, sizeof root, "/data=%s", folder);
    sim = sim_start((const char *const[]){"--size", "32x24", "--instant", "--exposure", "0.01",
                                          "--write-root", root, "--raw", "/data/raw",
                                          fault ? "--fault" : NULL, fault, NULL});
    struct probe *p = probe_new("Pilatus:");
    if (set_up) set_up(p);
    return p;
}

static void stop(struct probe *p)
{
    probe_free(p);
    testOk(sim_stop(sim) == 0, "the simulator ends");
}

void fault_set(struct probe *p, const char *name, const char *value)
{
    char record[64];
    snprintf(record, sizeof record, "sim1:%s", name);
    probe_set(p, record, value);
}

static void set(struct probe *p, const struct fault *f, const char *value)
{
    char record[64];
    snprintf(record, sizeof record, "sim1:%s", f->name);
    if (f->cuts)
        testOk(probe_put(p, record, value) == 0, "%s = %s is sent", record, value);
    else
        fault_set(p, f->name, value);
}

static void by_option(const struct fault *f, void (*set_up)(struct probe *))
{
    char option[80];
    snprintf(option, sizeof option, "%s=%s", f->name, f->value);
    testDiag("--fault %s", option);
    struct probe *p = start(option, set_up);
    f->symptom(p);
    stop(p);
}

void fault_try(const struct fault *faults, int count, void (*set_up)(struct probe *))
{
    char command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    struct probe *p = start(NULL, set_up);
    for (int i = 0; i < count; i++) {
        const struct fault *f = &faults[i];
        int number = f->value[strspn(f->value, "0123456789.-")] == '\0';
        testDiag("sim1:%s = %s", f->name, f->value);
        f->well(p);
        set(p, f, f->value);
        f->symptom(p);
        set(p, f, number ? "0" : "");
        f->well(p);
    }
    stop(p);
    for (int i = 0; i < count; i++)
        by_option(&faults[i], set_up);
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
}

void fault_path(const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "%s/%s", folder, name);
}
