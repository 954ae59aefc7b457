#include "lib/await.h"

#include <epicsUnitTest.h>
#include <time.h>

enum { PATIENCE = 60 };

void await(sem_t *sem, const char *what)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until); /* the thread sanitizer knows no sem_clockwait */
    until.tv_sec += PATIENCE;
    if (sem_timedwait(sem, &until)) testAbort("%s did not come", what);
}
