#include "lib/c11_threads.h"

void c11_threads(void)
{
}

#ifdef __SANITIZE_THREAD__

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

struct start {
    thrd_start_t run;
    void *arg;
};

static void *begin(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    return (void *)(intptr_t)start.run(start.arg);
}

/* These come before libc's. */

int thrd_create(thrd_t *ret, thrd_start_t run, void *arg)
{
    struct start *start = malloc(sizeof *start);
    if (!start) return thrd_nomem;
    *start = (struct start){run, arg};
    return pthread_create(ret, NULL, begin, start) ? thrd_error : thrd_success;
}

int thrd_join(thrd_t thread, int *ret)
{
    void *result = NULL;
    int rc = pthread_join(thread, &result);
    if (ret) *ret = (int)(intptr_t)result;
    return rc ? thrd_error : thrd_success;
}

#endif
