#include "bench/side.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void side_need(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

int side_size(void)
{
    const char *text = getenv("BENCH_SIZE");
    long size = text ? strtol(text, NULL, 10) : 0;
    side_need(size > 0 && size <= 1000000, "wanted BENCH_SIZE");
    return (int)size;
}

double side_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double side_cpu(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

double side_memory(void)
{
    long total = 0, resident = 0;
    malloc_trim(0);
    FILE *in = fopen("/proc/self/statm", "r");
    side_need(in && fscanf(in, "%ld %ld", &total, &resident) == 2, "no /proc/self/statm");
    fclose(in);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

int side_run(int argc, char **argv, const struct bench *benches)
{
    char line[16];

    side_need(argc == 2, "wanted the name of a bench");
    while (benches->name && strcmp(benches->name, argv[1]) != 0)
        benches++;
    if (!benches->name) {
        puts("none");
        return 0;
    }
    void *state = benches->set_up();
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        struct measure measure = {0};
        benches->round(state, &measure);
        printf("%.9g %.0f\n", measure.value, measure.rate);
        fflush(stdout);
    }
    return 0;
}
