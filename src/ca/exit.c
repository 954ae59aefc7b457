/* The end of a forked child. exit() has libCom stop its threads and wait for them. A child has none
 * of these: it would wait for ever, for the watchdog of a CA repeater that runs in this process. So
 * there libCom's handlers are dropped. */
#include "ca/client.h"

#include <epicsExit.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pid_t with_threads; /* the process that has libCom's first threads */

static void leave(void *out)
{
    longjmp(*(jmp_buf *)out, 1);
}

static void drop_handlers(void)
{
    jmp_buf out;

    if (getpid() == with_threads) return;
    /* The newest is called first, when all are off libCom's list. */
    if (!setjmp(out) && !epicsAtExit(leave, &out)) epicsExitCallAtExits();
}

static void begin(void)
{
    with_threads = getpid();
    atexit(drop_handlers);
}

void oph__ca_exit_begin(void)
{
    pthread_once(&once, begin);
}
