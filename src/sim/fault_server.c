#include "sim/fault_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <callback.h>
#include <dbAccess.h>
#include <dbStaticLib.h>
#include <epicsThread.h>
#include <generalTimeSup.h>

#include "sim/autosave.h"
#include "sim/clock.h"
#include "sim/fault.h"

/* An event number whose time Base takes as it comes, also when it goes back. */
enum { CLOCK_EVENT = 1000, DESCRIPTORS = 1024, ARGUMENTS = 64 };

static char **arguments;
static int server_port;
static const char *prefix;
static atomic_bool refusing;
static _Atomic double delay;
static epicsCallback crash, restart, restart_saved, serve_again;

static bool is_circuit(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int type = 0, listens = 0;
    socklen_t type_size = sizeof type, listens_size = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) == 0 && !listens &&
           getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
           ntohs(address.sin_port) == server_port;
}

/* In the place of libc's: EPICS Base's server reads its circuits with it, and gives no other way
 * to come between a client and its answer. */
ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t got = recvfrom(fd, buffer, size, flags, NULL, NULL);
    double seconds = atomic_load(&delay);
    if (got <= 0 || (seconds <= 0 && !atomic_load(&refusing)) || !is_circuit(fd)) return got;
    if (atomic_load(&refusing)) return 0; /* as if the client had gone */
    epicsThreadSleep(seconds);
    return got;
}

/* Those that are there now: who has lost one may have another before the last is dropped. */
void sim_fault_drop_circuits(void)
{
    int circuits[DESCRIPTORS], count = 0;
    for (int fd = 3; fd < DESCRIPTORS; fd++)
        if (is_circuit(fd)) circuits[count++] = fd;
    for (int i = 0; i < count; i++)
        shutdown(circuits[i], SHUT_RDWR);
}

static void delay_changed(void *user)
{
    (void)user;
    atomic_store(&delay, sim_fault_value(SIM_FAULT_REPLY_DELAY));
}

static void request(epicsCallback *callback, enum sim_fault fault)
{
    double seconds = sim_fault_value(fault);
    callbackCancelDelayed(callback);
    if (seconds > 0) callbackRequestDelayed(callback, seconds);
}

static void disconnect_changed(void *user)
{
    (void)user;
    atomic_store(&refusing, sim_fault_value(SIM_FAULT_DISCONNECT) > 0);
    if (atomic_load(&refusing)) sim_fault_drop_circuits();
    request(&serve_again, SIM_FAULT_DISCONNECT);
}

static void on_serve_again(epicsCallback *callback)
{
    (void)callback;
    atomic_store(&refusing, false);
    sim_fault_end(SIM_FAULT_DISCONNECT);
}

static void life_changed(void *user)
{
    epicsCallback *callback = user;
    request(callback, callback == &crash     ? SIM_FAULT_CRASH
                      : callback == &restart ? SIM_FAULT_RESTART
                                             : SIM_FAULT_RESTART_SAVED);
}

static void on_crash(epicsCallback *callback)
{
    (void)callback;
    raise(SIGKILL);
}

/* When the program begins anew. */
static void lose_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd > 2) fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    if (dir) closedir(dir);
}

/* The same process begins anew, on the same port. What it had open is lost, as in a reboot. */
static void on_restart(epicsCallback *callback)
{
    char *again[ARGUMENTS + 3], port[16];
    int n = 0;
    while (arguments[n] && n < ARGUMENTS - 1) {
        again[n] = arguments[n];
        n++;
    }
    snprintf(port, sizeof port, "%d", server_port);
    again[n++] = "--port"; /* the last counts */
    again[n++] = port;
    again[n] = NULL;
    lose_descriptors();
    if (callback == &restart_saved) sim_autosave_keep(prefix);
    execv("/proc/self/exe", again);
}

static int on_clock(epicsTimeStamp *ret, int event)
{
    if (event != CLOCK_EVENT) return -1;
    sim_wall_clock(ret);
    return 0;
}

static void use_clock_event(dbCommon *record, int event)
{
    dbScanLock(record);
    record->tse = (epicsInt16)event;
    dbScanUnlock(record);
}

static void clock_changed(void *user)
{
    double offset = sim_fault_value(SIM_FAULT_CLOCK_OFFSET);
    DBENTRY entry;
    (void)user;
    sim_wall_clock_offset(offset);
    dbInitEntry(pdbbase, &entry);
    for (long type = dbFirstRecordType(&entry); type == 0; type = dbNextRecordType(&entry))
        for (long found = dbFirstRecord(&entry); found == 0; found = dbNextRecord(&entry))
            use_clock_event(entry.precnode->precord, offset != 0 ? CLOCK_EVENT : 0);
    dbFinishEntry(&entry);
}

void sim_fault_server_prepare(char **argv, int port)
{
    arguments = argv;
    server_port = port;
}

static void prepare(epicsCallback *callback, CALLBACKFUNC run)
{
    callbackSetCallback(run, callback);
    callbackSetPriority(priorityMedium, callback);
}

void sim_fault_server_start(const char *given_prefix)
{
    prefix = given_prefix;
    generalTimeRegisterEventProvider("sim", 50, on_clock);
    prepare(&crash, on_crash);
    prepare(&restart, on_restart);
    prepare(&restart_saved, on_restart);
    prepare(&serve_again, on_serve_again);
    sim_fault_on(SIM_FAULT_REPLY_DELAY, delay_changed, NULL);
    sim_fault_on(SIM_FAULT_DISCONNECT, disconnect_changed, NULL);
    sim_fault_on(SIM_FAULT_CRASH, life_changed, &crash);
    sim_fault_on(SIM_FAULT_RESTART, life_changed, &restart);
    sim_fault_on(SIM_FAULT_RESTART_SAVED, life_changed, &restart_saved);
    sim_fault_on(SIM_FAULT_CLOCK_OFFSET, clock_changed, NULL);
    sim_autosave_restore();
}
