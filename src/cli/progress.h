/* How far a count is: a bar that moves on a terminal, else a line or a document a point. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"

#include <pthread.h>

/* Zero-initialise. What is below the lock is under it. */
struct progress {
    struct cli *cli;
    oph_device *det;
    oph_device *store; /* the first file store; NULL: there is none */
    FILE *out;         /* of bar and lines: stderr where documents go to stdout */
    bool bar;
    int64_t points; /* wanted */
    oph_subscription *captured;
    pthread_t thread; /* draws, where there is a bar */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool drawing;
    int64_t done;            /* points */
    int64_t frames;          /* that the writer has */
    int64_t frames_at_point; /* of them at the newest point */
    int64_t per_point;       /* frames; 0: not known */
    double begun;            /* on the monotonic clock; 0: not yet */
    double pointed;          /* the newest point, or begun */
    char file[1024];         /* as this machine sees it, else as the IOC does */
};

void progress_begin(struct progress *p);
void progress_staged(struct progress *p);
void progress_point(struct progress *p);
/* Takes the bar away; nothing is drawn after it. */
void progress_end(struct progress *p);
double progress_seconds(const struct progress *p);

#endif
