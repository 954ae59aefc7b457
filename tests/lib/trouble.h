/* What goes wrong on request: a fault of the simulator by its record, as `cophyd-sim --help` names
 * it ("DiskFull", "PutStuck=HDF1:Capture"); "Pause", which stops its process; or "Client NAME
 * VALUE", another client that puts a value. */
#ifndef TEST_TROUBLE_H
#define TEST_TROUBLE_H

#include "lib/detector.h"

struct trouble {
    struct detector *d;
    const char *what;
    char name[64], value[64]; /* what is put */
    char before[64];          /* there, of a client's put */
    int is_client;
};

/* Before it begins: what another client will overwrite is remembered. */
void trouble_plan(struct trouble *trouble, struct detector *d, const char *what);
/* It takes the connection with it. */
int trouble_cuts(const struct trouble *trouble);
/* On any thread; user is the trouble. What was asked for before it has arrived at the IOC. */
void trouble_begin(void *user);
/* The staged folder is there before it begins. */
void trouble_begin_in_stage(void *user);
/* The acquisition is under way before it begins. */
void trouble_begin_in_exposure(void *user);
/* Also where it never began. */
void trouble_end(struct trouble *trouble);

#endif
