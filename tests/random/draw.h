/* What one step of the random runs is: drawn from its seed and number alone, so that it can be
 * repeated by itself. */
#ifndef TEST_DRAW_H
#define TEST_DRAW_H

#include <stdint.h>
#include <stdio.h>

enum { DRAW_SETTINGS = 12 };

enum draw_end {
    DRAW_WHOLE,     /* the cycle goes through */
    DRAW_STOP,      /* oph_stop comes from another thread */
    DRAW_INTERRUPT, /* oph_interrupt does */
    DRAW_KILL       /* the client is killed */
};

struct draw {
    uint64_t state;
    long seed, step;
    char classes[1200]; /* text: the class is Drawn, with cam and file */
    const char *store;  /* of the file's class */
    struct {
        const char *device, *attr, *value;
    } settings[DRAW_SETTINGS];
    int setting_count;
    int images, triggers; /* of each trigger; in the stage */
    double exposure;
    enum draw_end end;
    const char *trouble; /* NULL: nothing goes wrong */
    const char *pv;      /* the put at which that, or the end, comes */
    int after;           /* that put goes first */
    const char *phase;   /* "before", "put", "exposure" */
};

void draw_step(struct draw *draw, long seed, long step);
/* One line, as a diagnostic says it. */
void draw_tell(const struct draw *draw, char *ret, size_t size);

#endif
