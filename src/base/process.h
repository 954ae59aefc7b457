/* Which process: a pid that a later process got again is not taken for it. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

struct oph__process {
    int64_t pid;
    uint64_t start;   /* ticks since the machine booted */
    uint64_t space;   /* the pid namespace: another one's pids mean nothing here */
    char boot[40];    /* this boot of the machine */
    char program[32]; /* its name, as ps shows it */
};

/* The calling process. What /proc does not tell stays 0 or empty. */
void oph__process_self(struct oph__process *ret);

enum oph__process_state {
    OPH__PROCESS_DEAD,
    OPH__PROCESS_LIVES,
    OPH__PROCESS_UNKNOWN /* of another pid namespace */
};
/* `self` is the calling process. */
enum oph__process_state oph__process_state(const struct oph__process *process,
                                           const struct oph__process *self);

#endif
