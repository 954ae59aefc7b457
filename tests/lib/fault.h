/* A simulator's faults, each tried twice: begun by its record while the IOC runs and ended again,
 * and from the start by the option --fault. */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include "lib/probe.h"

struct fault {
    const char *name, *value;
    void (*symptom)(struct probe *probe); /* with the fault */
    void (*well)(struct probe *probe);    /* before and after it */
    int cuts;                             /* the put that begins or ends it is lost */
};

/* Where the simulators write, as the IOC sees it, is "/data/". */
void fault_try(const struct fault *faults, int count, void (*set_up)(struct probe *probe));

/* Begins or ends one; what follows a put to another record finds it so. */
void fault_set(struct probe *probe, const char *name, const char *value);

/* The real path of one under "/data/". */
void fault_path(const char *name, char *ret, size_t size);

#endif
