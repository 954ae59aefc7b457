/* Simulated IOCs for the tests of your own programs: cophyd-sim as a child of this process,
 * started, broken and stopped from C. In a library of its own (pkg-config cophyd-simulator), which
 * needs neither libcophyd nor EPICS; cophyd.h does not include this header.
 *
 *     static const char *const arguments[] = {"--size", "487x195", "--instant", NULL};
 *     rc = oph_simulator_start(arguments, &sim, &err);
 *     if (!rc) rc = oph_simulator_use(&sim, 1, &err);
 *     ... oph_context_new, and the test ...
 *     oph_simulator_stop(sim, &err);
 *
 * Each listens on a free port of 127.0.0.1, TCP and UDP, and on no other interface; as many as you
 * like run at a time. Errors are OPH_EINVAL (its arguments), OPH_ESTATE, OPH_ETIMEOUT and
 * OPH_ESYSTEM; the sentence ends with the simulator's own last words.
 *
 * One simulator is for one thread at a time. It ends with the thread that started it, also when
 * that is killed. */
#ifndef COPHYD_SIMULATOR_H
#define COPHYD_SIMULATOR_H

#include <cophyd/api.h>
#include <cophyd/error.h>

OPH_BEGIN_DECLS

typedef struct oph_simulator oph_simulator;

/* Starts one with these arguments (ended by NULL; NULL: none; `cophyd-sim --help` lists them), and
 * waits at most 30 s until all its records have their first values. The program is $COPHYD_SIM, or
 * the cophyd-sim in the folder of the running program, or that on the PATH. */
int oph_simulator_start(const char *const *arguments, oph_simulator **ret, oph_error *err);

/* "127.0.0.1:5220"; borrowed. */
const char *oph_simulator_address(const oph_simulator *sim);
int oph_simulator_port(const oph_simulator *sim);
/* 0 while it does not run. */
long oph_simulator_pid(const oph_simulator *sim);

/* Points Channel Access of this process at these simulators and at nothing else, by setting
 * EPICS_CA_NAME_SERVERS, EPICS_CA_ADDR_LIST and EPICS_CA_AUTO_ADDR_LIST. Contexts that exist
 * already do not look again: call it before oph_context_new, and while no other thread reads the
 * environment. */
int oph_simulator_use(oph_simulator *const *sims, size_t count, oph_error *err);

/* SIGTERM, and SIGKILL after 5 s; then frees it. NULL is allowed. OPH_ESTATE when it did not end by
 * itself, with exit code 0, though it was still running. */
int oph_simulator_stop(oph_simulator *sim, oph_error *err);

/* A crash: SIGKILL, and gone when this returns. */
int oph_simulator_kill(oph_simulator *sim, oph_error *err);
/* Again, after a kill or any other end, or now: same arguments, same port, values as after boot. */
int oph_simulator_restart(oph_simulator *sim, oph_error *err);
/* An IOC that hangs: SIGSTOP, and still when this returns. Clients are not disconnected. */
int oph_simulator_pause(oph_simulator *sim, oph_error *err);
int oph_simulator_resume(oph_simulator *sim, oph_error *err);

/* The end of what it said on standard error: with --verbose, the IOC's messages too. At most
 * size - 1 bytes, whole lines where they fit. Returns ret. */
const char *oph_simulator_log(const oph_simulator *sim, char *ret, size_t size);

OPH_END_DECLS

#endif
