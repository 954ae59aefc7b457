/* Acquisitions without end: what the library and the simulator hold stays as it was, and an
 * acquisition asks as much of the network at the end as at the beginning.
 *
 *     soak ACQUISITIONS SECONDS
 *
 * After each the clock of day goes on by so many seconds, ours and the IOC's: 86,400 by one each
 * are a day, in which files go to the folder of their date and frames are stamped with their time.
 * What waits, waits in real time. How long it takes is told, not judged. */
#include "lib/count.h"
#include "lib/detector.h"
#include "lib/process.h"
#include "lib/repeater.h"
#include "lib/state.h"

#include <dlfcn.h>
#include <epicsUnitTest.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PARTS = 10, LOOK_EACH = 100, DAY = 86400 };

static atomic_long ahead; /* seconds */

/* libc's own is hidden by these. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        void *symbol = dlsym(RTLD_NEXT, "clock_gettime");
        memcpy(&real, &symbol, sizeof real);
    }
    int rc = real(clock, ret);
    if (!rc && clock == CLOCK_REALTIME) ret->tv_sec += atomic_load(&ahead);
    return rc;
}

time_t time(time_t *ret)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret) *ret = now.tv_sec;
    return now.tv_sec;
}

/* What there is at one moment, and what the acquisitions before it took. */
struct look {
    int threads, descriptors, server_threads, server_descriptors;
    long heap, memory, server_memory; /* KiB */
    struct counts counts;
    double seconds;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* "VmRSS:" and its like, of a process. */
static long status_of(long pid, const char *key)
{
    char path[64], line[200];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *in = fopen(path, "r");
    if (!in) testAbort("no %s", path);
    while (value < 0 && fgets(line, sizeof line, in))
        if (strncmp(line, key, strlen(key)) == 0) value = strtol(line + strlen(key), NULL, 10);
    fclose(in);
    return value;
}

static void look(const struct detector *d, const struct counts *then, double begun, struct look *l)
{
    long server = sim_pid(d->sim);
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/fd", server);
    *l = (struct look){.threads = process_threads(),
                       .descriptors = process_descriptors(),
                       .server_threads = (int)status_of(server, "Threads:"),
                       .server_descriptors = process_entries(path),
                       .heap = (long)(process_heap() / 1024),
                       .memory = status_of(getpid(), "VmRSS:"),
                       .server_memory = status_of(server, "VmRSS:"),
                       .counts = count_since(then),
                       .seconds = now() - begun};
}

static void tell(long done, long each, const struct look *l)
{
    testDiag("%ld: %.2f ms, %.1f bytes in %.2f sends, %.1f switches an acquisition; %d threads, "
             "%d descriptors, %ld KiB given out of %ld; IOC: %d threads, %d descriptors, %ld KiB",
             done, l->seconds * 1e3 / (double)each, (double)l->counts.sent_bytes / (double)each,
             (double)l->counts.sends / (double)each, (double)l->counts.switches / (double)each,
             l->threads, l->descriptors, l->heap, l->memory, l->server_threads,
             l->server_descriptors, l->server_memory);
}

static void go_on(struct detector *d, long step)
{
    char offset[24];
    if (!step) return;
    snprintf(offset, sizeof offset, "%ld", atomic_fetch_add(&ahead, step) + step);
    if (probe_put_complete(d->probe, "sim1:ClockOffset", offset, 10)) testAbort("its clock stands");
}

/* Of how many days there were files, and the last of them. */
static int days;
static char day[64];

/* Whether the file is in the folder of a day when it can have begun. */
static bool is_of_its_day(const char *file, time_t begun)
{
    for (time_t at = begun; at <= time(NULL); at++) {
        struct tm when;
        char folder[64];
        strftime(folder, sizeof folder, "/%Y/%m/%d/", localtime_r(&at, &when));
        if (!strstr(file, folder)) continue;
        days += strcmp(folder, day) != 0;
        memcpy(day, folder, sizeof day);
        return true;
    }
    testDiag("%s is not of today", file);
    return false;
}

/* Its one frame is stamped with the time of its acquisition. */
static bool is_of_its_time(const char *file, time_t begun)
{
    oph_error err = OPH_ERROR_INIT;
    oph_frames *frames = NULL;
    oph_frame_stamp stamp = {.time_ns = -1};
    int rc = oph_frames_open(file, NULL, OPH_DEFAULT, &frames, &err);
    if (!rc) rc = oph_frames_stamps(frames, 0, 1, &stamp, &err);
    oph_frames_free(frames);
    int64_t second = stamp.time_ns / 1000000000, until = time(NULL);
    bool good = !rc && second >= begun && second <= until;
    if (!good)
        testDiag("stamped %lld, taken from %lld to %lld: %s", (long long)second, (long long)begun,
                 (long long)until, err.text);
    return good;
}

/* Its file is looked at now and then, and removed. */
static bool acquire(struct detector *d, long number)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *result = NULL;
    time_t begun = time(NULL);
    int rc = oph_acquire(d->det, OPH_DEFAULT, &result, &err);
    const oph_result_file *file = oph_result_file_at(result, 0);
    bool good = !rc && file && !oph_report_count(oph_result_report(result));
    if (!good) testDiag("acquisition %ld: %s: %s", number, oph_code_name(rc), err.text);
    if (good) good = is_of_its_day(file->local, begun);
    if (good && number % LOOK_EACH == 0)
        good =
            detector_file_is(d, 1, (int)number + 1, 64, 48) && is_of_its_time(file->local, begun);
    if (file && file->local[0]) unlink(file->local);
    oph_result_free(result);
    return good;
}

static void judge(const struct look *first, const struct look *last, long each)
{
    /* How many sends they make depends on how busy the machine is. */
    double bytes = (double)first->counts.sent_bytes / (double)each;
    double later = (double)last->counts.sent_bytes / (double)each;
    testOk(last->threads == first->threads && last->descriptors == first->descriptors,
           "threads and descriptors: %d and %d, then %d and %d", first->threads, first->descriptors,
           last->threads, last->descriptors);
    testOk(last->heap - first->heap <= 64, "memory given out: %ld KiB, then %ld", first->heap,
           last->heap);
    testOk(last->server_threads == first->server_threads &&
               last->server_descriptors <= first->server_descriptors + 1,
           "the IOC's: %d and %d, then %d and %d", first->server_threads, first->server_descriptors,
           last->server_threads, last->server_descriptors);
    testOk(last->server_memory - first->server_memory <= 4096,
           "the IOC's memory: %ld KiB, then %ld", first->server_memory, last->server_memory);
    testOk(later <= bytes * 1.01, "bytes sent an acquisition: %.1f, then %.1f", bytes, later);
    testDiag("an acquisition took %.3f ms in the second tenth, %.3f ms in the last: %.2f times",
             first->seconds * 1e3 / (double)each, last->seconds * 1e3 / (double)each,
             last->seconds / first->seconds);
}

int main(int argc, char **argv)
{
    struct detector d;
    struct look first = {0}, last = {0};
    long wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    long step = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    long each = wanted / PARTS, number = 0, failed = 0;
    testPlan(0);
    repeater_start();
    state_begin(NULL, 0);
    detector_start(&d, (const char *const[]){"--instant", NULL}, NULL);
    for (int part = 0; part < PARTS; part++) {
        struct counts then = count_now();
        double begun = now();
        for (long i = 0; i < each; i++) {
            failed += !acquire(&d, number++);
            go_on(&d, step);
        }
        look(&d, &then, begun, part == 1 ? &first : &last);
        tell(number, each, part == 1 ? &first : &last);
    }
    testOk(failed == 0, "%ld acquisitions, %ld failed", number, failed);
    if (number * step >= DAY) testOk(days > 1, "files of %d days", days);
    judge(&first, &last, each);
    detector_unchanged(&d, "all of them");
    detector_end(&d);
    state_end();
    return testDone();
}
