#include "lib/process.h"

#include "base/clock.h"

#include <dirent.h>
#include <epicsUnitTest.h>
#include <malloc.h>
#include <sched.h>

static int entries(const char *folder)
{
    int count = -2; /* . and .. */
    DIR *dir = opendir(folder);
    if (!dir) testAbort("no %s", folder);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

int process_threads(void)
{
    return entries("/proc/self/task");
}

int process_descriptors(void)
{
    return entries("/proc/self/fd") - 1; /* the one that looks */
}

size_t process_heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* A thread that was joined may be listed a moment longer. */
bool process_calms(int threads)
{
    double deadline = oph__now() + 20;
    while (process_threads() > threads) {
        if (oph__now() > deadline) {
            testDiag("%d threads where %d are wanted", process_threads(), threads);
            return false;
        }
        sched_yield();
    }
    return true;
}
