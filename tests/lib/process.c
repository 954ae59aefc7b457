#include "lib/process.h"

#include "base/clock.h"

#include <dirent.h>
#include <epicsUnitTest.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int process_entries(const char *folder)
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
    return process_entries("/proc/self/task");
}

int process_descriptors(void)
{
    return process_entries("/proc/self/fd") - 1; /* the one that looks */
}

size_t process_heap(void)
{
#if __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    struct mallinfo info = mallinfo();
    return (size_t)(unsigned)info.uordblks + (unsigned)info.hblkhd;
#endif
}

static void tell_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *in = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!in) continue;
        if (fgets(name, sizeof name, in)) testDiag("thread %s", name);
        fclose(in);
    }
    if (dir) closedir(dir);
}

void process_tell_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[300], target[200] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        if (readlink(path, target, sizeof target - 1) > 0)
            testDiag("descriptor %s: %s", entry->d_name, target);
    }
    if (dir) closedir(dir);
}

/* A thread that was joined may be listed a moment longer; and libca takes 30 s to give up a circuit
 * that is stuck, as one to an IOC that has just crashed. */
bool process_calms(int threads)
{
    double deadline = oph__now() + 40;
    while (process_threads() > threads) {
        if (oph__now() > deadline) {
            testDiag("%d threads where %d are wanted", process_threads(), threads);
            tell_threads();
            return false;
        }
        sched_yield();
    }
    return true;
}
