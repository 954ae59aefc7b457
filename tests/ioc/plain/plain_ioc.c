/* An IOC of standard records, from EPICS Base's own libraries: each type, and what single tests
 * need. plain_ioc --port auto|PORT [--many N] ...: takes what tests/lib/sim.c gives and prints what
 * it reads; of many.db there are a hundred, or N. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <aSubRecord.h>
#include <asDbLib.h>
#include <dbAccess.h>
#include <dbDefs.h>
#include <dbStaticLib.h>
#include <envDefs.h>
#include <iocInit.h>
#include <iocshRegisterCommon.h>
#include <registryCommon.h>
#include <registryFunction.h>
#include <subRecord.h>

static const char access_rules[] = "ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }\n"
                                   "ASG(RO) { RULE(1, READ) }\n"
                                   "ASG(NONE)\n";

enum { TYPES = 100 };

/* What the subroutine records call. */
static long total(aSubRecord *record)
{
    const double *a = record->a;
    double sum = 0;

    for (epicsUInt32 i = 0; i < record->nea; i++)
        sum += a[i];
    *(double *)record->vala = sum;
    return (long)sum;
}

static long sum(subRecord *record)
{
    record->val = record->a + record->b;
    return 0;
}

/* The database loads files relative to where make check runs. What a restart is to change is in the
 * environment. */
static int load_records(int many)
{
    static const char *const files[] = {"types.db", "special.db", "mini.db"};
    const char *sized = getenv("COPHYD_SIZED");
    char macros[32];

    snprintf(macros, sizeof macros, "SIZED=%s", sized ? sized : "3");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (dbLoadRecords(files[i], macros)) return -1;
    for (int i = 0; i < many; i++) {
        snprintf(macros, sizeof macros, "N=%d", i);
        if (dbLoadRecords("many.db", macros)) return -1;
    }
    return 0;
}

/* p:types tells what record types base.dbd has. */
static int tell_types(void)
{
    static char names[TYPES][MAX_STRING_SIZE];
    struct dbAddr at;
    DBENTRY entry;
    long count = 0;

    dbInitEntry(pdbbase, &entry);
    for (long at_end = dbFirstRecordType(&entry); !at_end && count < TYPES;
         at_end = dbNextRecordType(&entry))
        snprintf(names[count++], sizeof *names, "%s", dbGetRecordTypeName(&entry));
    dbFinishEntry(&entry);
    return dbNameToAddr("p:types", &at) || dbPutField(&at, DBR_STRING, names, count);
}

static int load_rules(char *name)
{
    int fd = mkstemp(name);
    ssize_t written = fd < 0 ? -1 : write(fd, access_rules, sizeof access_rules - 1);

    if (fd >= 0) close(fd);
    return written == (ssize_t)sizeof access_rules - 1 && asSetFilename(name) == 0 ? 0 : -1;
}

static int load_definitions(void)
{
    char folder[1024] = "";

    if (DBD_DIR[0] != '/' && readlink("/proc/self/exe", folder, 512) > 0)
        *strrchr(folder, '/') = '\0';
    size_t used = strlen(folder);
    snprintf(folder + used, sizeof folder - used, "%s%s", used ? "/" : "", DBD_DIR);
    if (dbLoadDatabase("base.dbd", folder, NULL)) return -1;
    registryFunctionAdd("plain_total", (REGISTRYFUNCTION)total);
    registryFunctionAdd("plain_sum", (REGISTRYFUNCTION)sum);
    return registerAllRecordDeviceDrivers(pdbbase);
}

static int is_free(int type, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);

    address.sin_port = htons((unsigned short)port);
    int rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return rc == 0;
}

/* Below those that Linux gives to clients: one of them would have it before the server does. */
static int free_port(void)
{
    int port = 20000 + getpid() % 12000;
    while (!is_free(SOCK_STREAM, port) || !is_free(SOCK_DGRAM, port))
        port++;
    return port;
}

/* What follows an option; those that are the simulator's alone are passed over. */
static const char *option(char **argv, const char *name, const char *fallback)
{
    for (; argv[0] && argv[1]; argv++)
        if (strcmp(argv[0], name) == 0) return argv[1];
    return fallback;
}

int main(int argc, char **argv)
{
    char port[16], rules[] = "/tmp/cophyd-plain-XXXXXX";
    const char *wanted = option(argv, "--port", "auto");
    int many = (int)strtol(option(argv, "--many", "100"), NULL, 10);
    int out = dup(STDOUT_FILENO);

    (void)argc;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    snprintf(port, sizeof port, "%d",
             strcmp(wanted, "auto") == 0 ? free_port() : (int)strtol(wanted, NULL, 10));
    epicsEnvSet("EPICS_CAS_SERVER_PORT", port);
    epicsEnvSet("EPICS_CAS_INTF_ADDR_LIST", "127.0.0.1");
    epicsEnvSet("EPICS_CAS_BEACON_ADDR_LIST", "127.0.0.1");
    epicsEnvSet("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO");
    epicsEnvSet("EPICS_DB_INCLUDE_PATH", "tests/ioc/plain");
    int failed =
        load_definitions() || load_records(many) || load_rules(rules) || iocInit() || tell_types();
    unlink(rules);
    if (failed) {
        fprintf(stderr, "plain_ioc: the IOC did not start\n");
        return 1;
    }
    dprintf(out, "plain_ioc ready on 127.0.0.1:%s\n\n", port);
    for (;;)
        pause();
}
