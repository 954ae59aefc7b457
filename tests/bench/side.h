/* One side of a benchmark: a program that measures a round whenever the driver says "go". */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <stddef.h>

enum {
    SIGNALS = 2000,
    ARRAY = 1 << 20, /* elements of 4 bytes */
    READS = 10,      /* of all signals a round: one takes a millisecond, too short to be measured */
    ARRAYS = 10,     /* gets of it a round */
    IMAGE = 6 << 20, /* elements of 4 bytes */
    IMAGES = 4,      /* a round */
    EVENTS = 20000,  /* a round: a second of what the IOC counts */
    STAGES = 4,      /* a round */
    TRIGGERS = 4,    /* a round */
    ACQUISITIONS = 4, /* a round */
    FRAME = 64 * 48,  /* pixels of its frames */
    DEVICES = 20,     /* constructed a round */
    POINTS = 1000     /* of a count, one a round */
};

/* The longest wait for anything, seconds. */
static const double PATIENCE = 30;

struct measure {
    double value; /* seconds or bytes, for one of what the bench is named after */
    double rate;  /* events a second, where they are counted */
};

struct bench {
    const char *name;
    void *(*set_up)(void);
    void (*round)(void *state, struct measure *ret);
};

/* NAME of argv picks the bench; prints "ready", then a line "VALUE RATE" for each "go" read. A
 * NAME that is not in the list (ended by a NULL name) prints "none". Returns the exit code. */
int side_run(int argc, char **argv, const struct bench *benches);

/* How many channels, detectors or whatever the bench is about: BENCH_SIZE of the environment. */
int side_size(void);

/* Ends the program with one sentence unless ok. */
void side_need(int ok, const char *what);

double side_now(void); /* seconds */
double side_cpu(void); /* seconds that this process computed */
/* Bytes in memory, without what the allocator could give back. */
double side_memory(void);

#endif
