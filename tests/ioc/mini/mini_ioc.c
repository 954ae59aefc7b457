/* A small IOC for test_link: plain records of every type, slow puts, access that a put can change.
 * mini_ioc --port auto|PORT ... [RECORDS]: takes what tests/lib/sim.c gives and prints what it
 * reads; RECORDS is the number of those that are called m:many0 and so on. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asDbLib.h>
#include <dbAccess.h>
#include <dbStaticLib.h>
#include <envDefs.h>
#include <iocInit.h>
#include <iocshRegisterCommon.h>
#include <registryCommon.h>

static const char records[] =
    "record(ai, m:ai) { field(VAL, 1.5) field(PREC, 3) field(EGU, mm) field(PINI, YES)\n"
    "    field(INP, 1.5) field(HIHI, 10) field(HHSV, MAJOR) }\n"
    "record(ao, m:ao) { field(VAL, 2.5) field(PREC, 2) field(EGU, s) field(DRVL, -5)\n"
    "    field(DRVH, 5) field(PINI, YES) }\n"
    "record(longout, m:longout) { field(VAL, 7) field(DRVL, 0) field(DRVH, 100) }\n"
    "record(mbbo, m:mbbo) { field(ZRST, Single) field(ONST, Multiple) field(TWST, Continuous)\n"
    "    field(ZRVL, 0) field(ONVL, 1) field(TWVL, 2) field(VAL, 1) field(PINI, YES) }\n"
    "record(stringout, m:stringout) { field(VAL, \"a text\") field(PINI, YES) }\n"
    "record(waveform, m:chars) { field(FTVL, UCHAR) field(NELM, 256) }\n"
    "record(waveform, m:doubles) { field(FTVL, DOUBLE) field(NELM, 1000) }\n"
    "record(waveform, m:longs) { field(FTVL, LONG) field(NELM, 1000) }\n"
    "record(waveform, m:floats) { field(FTVL, FLOAT) field(NELM, 10) }\n"
    "record(waveform, m:shorts) { field(FTVL, SHORT) field(NELM, 10) }\n"
    "record(calcout, m:slow) { field(CALC, A) field(ODLY, 0.3) }\n"
    "record(calcout, m:slower) { field(CALC, A) field(ODLY, 0.8) }\n"
    "record(calcout, m:slowest) { field(CALC, A) field(ODLY, 60) }\n"
    "record(calc, m:ticks) { field(CALC, \"VAL+1\") field(SCAN, \".1 second\") }\n"
    "record(ao, m:guarded) { field(VAL, 1) field(PINI, YES) }\n"
    "record(ao, m:closed) { field(ASG, NONE) field(VAL, 1) field(PREC, 4) }\n"
    "record(stringout, m:guard) { field(OUT, \"m:guarded.ASG\") }\n"
    "record(stringout, m:opener) { field(OUT, \"m:closed.ASG\") }\n";

static const char access_rules[] = "ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }\n"
                                   "ASG(RO) { RULE(1, READ) }\n"
                                   "ASG(NONE)\n";

enum { MANY = 100 };

static int load_text(const char *text, const char *macros)
{
    FILE *in = fmemopen((void *)text, strlen(text), "r");

    return in && dbReadDatabaseFP(&pdbbase, in, NULL, macros) == 0 ? 0 : -1;
}

static int load_records(int many)
{
    char macros[32];

    if (load_text(records, NULL)) return -1;
    for (int i = 0; i < many; i++) {
        snprintf(macros, sizeof macros, "N=%d", i);
        if (load_text("record(longout, \"m:many$(N)\") { field(VAL, \"$(N)\") field(PINI, YES) }\n",
                      macros))
            return -1;
    }
    return 0;
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
    return registerAllRecordDeviceDrivers(pdbbase);
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        return -1;
    close(fd);
    return ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
    char port[16], rules[] = "/tmp/cophyd-mini-XXXXXX";
    const char *wanted = argc > 2 ? argv[2] : "auto";
    int many = argc > 4 ? (int)strtol(argv[4], NULL, 10) : MANY;
    int out = dup(STDOUT_FILENO);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    snprintf(port, sizeof port, "%d",
             strcmp(wanted, "auto") == 0 ? free_port() : (int)strtol(wanted, NULL, 10));
    epicsEnvSet("EPICS_CAS_SERVER_PORT", port);
    epicsEnvSet("EPICS_CAS_INTF_ADDR_LIST", "127.0.0.1");
    epicsEnvSet("EPICS_CAS_BEACON_ADDR_LIST", "127.0.0.1");
    epicsEnvSet("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO");
    int failed = load_definitions() || load_records(many) || load_rules(rules) || iocInit();
    unlink(rules);
    if (failed) {
        fprintf(stderr, "mini_ioc: the IOC did not start\n");
        return 1;
    }
    dprintf(out, "mini_ioc ready on 127.0.0.1:%s\n\n", port);
    for (;;)
        pause();
}
