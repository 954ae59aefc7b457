/* An array goes from libca's memory into the caller's in one copy: where the process may have only
 * little more memory, 16 MiB are still read into memory of one's own, and not into a new value. */
#include "lib/check.h"
#include "lib/plain.h"

#include <epicsUnitTest.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* The sanitizers' own memory knows no bound: under them it is only read. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { BOUNDED = 0 };
#else
enum { BOUNDED = 1 };
#endif
enum { ELEMENTS = 4 << 20, SLACK = 8 << 20, BLOCK = 4 << 20, TIMES = 3 };

static int32_t numbers[ELEMENTS];

/* Bytes of address space in use. */
static rlim_t in_use(void)
{
    unsigned long pages = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (!in || fscanf(in, "%lu", &pages) != 1) testAbort("no /proc/self/statm");
    fclose(in);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void allow(rlim_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit)) testAbort("no limit of memory");
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    if (setrlimit(RLIMIT_AS, &limit)) testAbort("no limit of memory");
}

/* What is left of it, and of what was freed, in blocks of BLOCK. */
static struct block {
    struct block *next;
} * taken;

static void take_the_rest(void)
{
    for (struct block *b; (b = malloc(BLOCK));) {
        b->next = taken;
        taken = b;
    }
}

static void give_back(void)
{
    for (struct block *next; taken; taken = next) {
        next = taken->next;
        free(taken);
    }
}

static int read_into(oph_signal *sig, oph_error *err)
{
    size_t count = 0;
    numbers[ELEMENTS - 1] = 0;
    int rc = oph_signal_read_into(sig, NULL, numbers, sizeof numbers, &count, err);
    return rc ? rc : count == ELEMENTS && numbers[ELEMENTS - 1] == -ELEMENTS ? 0 : OPH_EMISMATCH;
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(TIMES + 2 + BOUNDED);
    mallopt(M_ARENA_MAX, 1); /* other threads' have room that is theirs already */
    struct sim *ioc = plain_start();
    oph_context *ctx = plain_context(20, 60, 60);
    oph_device *dev = plain_device(ctx, "row big big:LONG rw array config\n");
    oph_signal *sig = plain_signal(dev, "big");
    for (int i = 0; i < ELEMENTS; i++)
        numbers[i] = -i - 1;
    const oph_data all = {OPH_INT32, 0, ELEMENTS, numbers};
    const oph_put_options complete = {.size = sizeof complete, .policy = OPH_PUT_COMPLETE};
    check_done(oph_signal_put(sig, &all, &complete, &err), &err, "16 MiB are put");
    check_done(read_into(sig, &err), &err, "libca has the memory that it takes");

    if (BOUNDED) allow(in_use() + SLACK);
    if (BOUNDED) take_the_rest();
    for (int i = 0; i < TIMES; i++)
        check_done(read_into(sig, &err), &err, "read where not even 4 MiB are left");
    oph_value *value = NULL;
    int rc = BOUNDED ? oph_signal_read(sig, NULL, &value, &err) : 0;
    allow(RLIM_INFINITY);
    give_back();
    if (BOUNDED)
        check_refused(rc, &err, OPH_ENOMEM, "dev.big", "p:big:LONG", "a value", "OPH_ENOMEM");
    oph_value_free(value);

    oph_device_free(dev);
    oph_context_free(ctx);
    sim_stop(ioc);
    return testDone();
}
