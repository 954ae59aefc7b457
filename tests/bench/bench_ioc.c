/* The IOC of make bench: analogue outputs b:sN and a 4 MiB array; or, so that they do not disturb
 * the others, an image of 24 MiB, or records b:sN that count ten times a second.
 * bench_ioc DBD_FOLDER records|images|events COUNT FIRST STEP: N is FIRST, FIRST + STEP and so on,
 * below COUNT. Listens where EPICS_CAS_* say. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <dbAccess.h>
#include <dbStaticLib.h>
#include <iocInit.h>
#include <iocshRegisterCommon.h>
#include <registryCommon.h>

enum { ARRAY = 1 << 20, IMAGE = 6 << 20 };

struct range {
    int count, first, step;
};

static void write_signals(FILE *out, const struct range *r)
{
    for (int i = r->first; i < r->count; i += r->step)
        fprintf(out, "record(ao, \"b:s%d\") { field(VAL, %d.5) field(PREC, 3) }\n", i, i);
    if (r->first == 0)
        fprintf(out, "record(waveform, \"b:array\") { field(FTVL, LONG) field(NELM, %d) }\n",
                ARRAY);
}

static void write_image(FILE *out, const struct range *r)
{
    (void)r;
    fprintf(out, "record(waveform, \"b:array\") { field(FTVL, LONG) field(NELM, %d) }\n", IMAGE);
}

static void write_counters(FILE *out, const struct range *r)
{
    for (int i = r->first; i < r->count; i += r->step)
        fprintf(out,
                "record(calc, \"b:s%d\") { field(CALC, \"VAL+1\") field(SCAN, \".1 second\") }\n",
                i);
}

static const struct kind {
    const char *name;
    void (*write)(FILE *out, const struct range *r);
    int array; /* elements of b:array */
} kinds[] = {
    {"records", write_signals, ARRAY},
    {"images", write_image, IMAGE},
    {"events", write_counters, 0},
};

static int load_records(const struct kind *kind, const struct range *r)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out) return -1;
    kind->write(out, r);
    if (fclose(out)) return -1;
    FILE *in = fmemopen(text, size, "r");
    int failed = !in || dbReadDatabaseFP(&pdbbase, in, NULL, NULL); /* which closes it */
    free(text);
    return failed ? -1 : 0;
}

static int fill_array(int count)
{
    struct dbAddr at;
    epicsInt32 *values = malloc((size_t)count * sizeof *values);

    if (!values || dbNameToAddr("b:array", &at)) return -1;
    for (int i = 0; i < count; i++)
        values[i] = i;
    long failed = dbPutField(&at, DBR_LONG, values, count);
    free(values);
    return failed ? -1 : 0;
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    return NULL;
}

int main(int argc, char **argv)
{
    int out = dup(STDOUT_FILENO);
    const struct kind *kind = argc == 6 ? find_kind(argv[2]) : NULL;

    if (!kind) {
        fprintf(stderr, "usage: bench_ioc DBD_FOLDER records|images|events COUNT FIRST STEP\n");
        return 2;
    }
    const struct range range = {
        (int)strtol(argv[3], NULL, 10),
        (int)strtol(argv[4], NULL, 10),
        (int)strtol(argv[5], NULL, 10),
    };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (dbLoadDatabase("base.dbd", argv[1], NULL) || registerAllRecordDeviceDrivers(pdbbase) ||
        load_records(kind, &range) || iocInit() ||
        (kind->array && range.first == 0 && fill_array(kind->array))) {
        fprintf(stderr, "bench_ioc: the IOC did not start\n");
        return 1;
    }
    const char *port = getenv("RSRV_SERVER_PORT");
    dprintf(out, "bench_ioc ready on 127.0.0.1:%s\n", port ? port : "?");
    for (;;)
        pause();
}
