/* The IOC of make bench: 2,000 analogue outputs and a 4 MiB array; or, so that they do not disturb
 * the others, 2,000 records that count ten times a second.
 * bench_ioc DBD_FOLDER records|events: listens where EPICS_CAS_* say. */
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

enum { SIGNALS = 2000, ARRAY = 1 << 20 };

static void write_signals(FILE *out)
{
    for (int i = 0; i < SIGNALS; i++)
        fprintf(out, "record(ao, \"b:s%d\") { field(VAL, %d.5) field(PREC, 3) }\n", i, i);
    fprintf(out, "record(waveform, \"b:array\") { field(FTVL, LONG) field(NELM, %d) }\n", ARRAY);
}

static void write_counters(FILE *out)
{
    for (int i = 0; i < SIGNALS; i++)
        fprintf(out,
                "record(calc, \"b:s%d\") { field(CALC, \"VAL+1\") field(SCAN, \".1 second\") }\n",
                i);
}

static int load_records(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out) return -1;
    write(out);
    if (fclose(out)) return -1;
    FILE *in = fmemopen(text, size, "r");
    int failed = !in || dbReadDatabaseFP(&pdbbase, in, NULL, NULL); /* which closes it */
    free(text);
    return failed ? -1 : 0;
}

static int fill_array(void)
{
    struct dbAddr at;
    epicsInt32 *values = malloc(ARRAY * sizeof *values);

    if (!values || dbNameToAddr("b:array", &at)) return -1;
    for (int i = 0; i < ARRAY; i++)
        values[i] = i;
    long failed = dbPutField(&at, DBR_LONG, values, ARRAY);
    free(values);
    return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    int out = dup(STDOUT_FILENO);
    int counts = argc == 3 && strcmp(argv[2], "events") == 0;

    if (argc != 3 || (!counts && strcmp(argv[2], "records") != 0)) {
        fprintf(stderr, "usage: bench_ioc DBD_FOLDER records|events\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (dbLoadDatabase("base.dbd", argv[1], NULL) || registerAllRecordDeviceDrivers(pdbbase) ||
        load_records(counts ? write_counters : write_signals) || iocInit() ||
        (!counts && fill_array())) {
        fprintf(stderr, "bench_ioc: the IOC did not start\n");
        return 1;
    }
    const char *port = getenv("RSRV_SERVER_PORT");
    dprintf(out, "bench_ioc ready on 127.0.0.1:%s\n", port ? port : "?");
    for (;;)
        pause();
}
