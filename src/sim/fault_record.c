#include "sim/fault_record.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asDbLib.h>
#include <dbAccess.h>
#include <dbBase.h>
#include <dbStaticLib.h>

#include "sim/binding.h"
#include "sim/fault.h"
#include "sim/fault_server.h"

static const char rules[] = "ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }\n"
                            "ASG(SIM_READ_ONLY) { RULE(1, READ) }\n";

static const char *prefix;
static char read_only[80];          /* the record that is */
static dbRecordNode *hidden;        /* the record that is missing */
static char hidden_name[] = "\001"; /* which no client can ask for */

static const struct {
    enum sim_fault fault;
    enum sim_trouble trouble;
} troubles[] = {
    {SIM_FAULT_PUT_STUCK, SIM_TROUBLE_STUCK},    {SIM_FAULT_READBACK_STAYS, SIM_TROUBLE_STAYS},
    {SIM_FAULT_READBACK_LATE, SIM_TROUBLE_LATE}, {SIM_FAULT_NAN, SIM_TROUBLE_NAN},
    {SIM_FAULT_WILD, SIM_TROUBLE_WILD},
};

static void target(enum sim_fault fault, char ret[80], double *ret_seconds)
{
    char name[SIM_FAULT_TEXT];
    ret[0] = '\0';
    if (sim_fault_target(fault, name, ret_seconds)) snprintf(ret, 80, "%s%s", prefix, name);
}

static void trouble_changed(void *user)
{
    size_t i = (size_t)user;
    char name[80];
    double seconds = 0;
    target(troubles[i].fault, name, &seconds);
    sim_binding_trouble(name, troubles[i].trouble, seconds);
}

static void put_group(const char *record, const char *group)
{
    char field[96];
    struct dbAddr address;
    snprintf(field, sizeof field, "%s.ASG", record);
    if (dbNameToAddr(field, &address) == 0) dbPutField(&address, DBR_STRING, group, 1);
}

static void read_only_changed(void *user)
{
    (void)user;
    if (read_only[0]) put_group(read_only, "");
    target(SIM_FAULT_READ_ONLY, read_only, NULL);
    if (read_only[0]) put_group(read_only, "SIM_READ_ONLY");
}

/* The server looks names up by the text that a record's node points to. Channels that are there
 * keep their record, so their circuits must go. */
static void missing_changed(void *user)
{
    char name[80];
    DBENTRY entry;
    (void)user;
    if (hidden) hidden->recordname = ((struct dbCommon *)hidden->precord)->name;
    hidden = NULL;
    target(SIM_FAULT_MISSING, name, NULL);
    dbInitEntry(pdbbase, &entry);
    if (name[0] && dbFindRecord(&entry, name) == 0) {
        hidden = entry.precnode;
        hidden->recordname = hidden_name;
    }
    dbFinishEntry(&entry);
    sim_fault_drop_circuits();
}

void sim_fault_record_prepare(const char *given_prefix)
{
    char path[32];
    prefix = given_prefix;
    int fd = memfd_create("access", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, rules, strlen(rules)) == (ssize_t)strlen(rules)) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        asSetFilename(path);
    }
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++)
        sim_fault_on(troubles[i].fault, trouble_changed, (void *)i);
    sim_fault_on(SIM_FAULT_READ_ONLY, read_only_changed, NULL);
    sim_fault_on(SIM_FAULT_MISSING, missing_changed, NULL);
}
