/* A program as a user runs it: its output, its errors, its exit code. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <sys/types.h>

struct program {
    pid_t pid;
    int out, err; /* unlinked files */
    double started;
};

/* What was printed, cut at the size of the text; how it ended and how long it ran. */
struct program_end {
    int code; /* of exit; -1 when it was killed */
    double seconds;
    char out[4096], err[4096];
};

/* Starts $BUILD/bin/NAME (or build/bin/NAME); arguments without the name, ended by NULL. */
void program_start(struct program *p, const char *name, const char *const *arguments);
/* Waits for its end; kills it after `seconds`. */
void program_wait(struct program *p, double seconds, struct program_end *ret);

#endif
