/* A simulator as a child of the test, on free loopback ports. */
#ifndef TEST_SIM_H
#define TEST_SIM_H

struct sim;

/* Starts it with these arguments (ended by NULL) beside --port, waits until it is ready and points
 * this process's Channel Access at it. Ends the test when it does not come up. The program is
 * $COPHYD_SIM, or build/bin/cophyd-sim. */
struct sim *sim_start(const char *const *arguments);

int sim_port(const struct sim *sim);
long sim_pid(const struct sim *sim);

/* SIGTERM; kills it after 5 s. Frees sim. 0 when it ended well, or had ended before. */
int sim_stop(struct sim *sim);

void sim_kill(struct sim *sim);    /* SIGKILL, and gone when this returns */
void sim_pause(struct sim *sim);   /* SIGSTOP, and still when this returns */
void sim_resume(struct sim *sim);  /* SIGCONT */
void sim_restart(struct sim *sim); /* after sim_kill: again, same arguments and port */

/* Until the circuits of all clients have ended, at the IOC as well: it has done what it got from
 * them by then, which may take it long after they have gone. Ends the test after 60 s. */
void sim_await_left(const struct sim *sim);

/* Prints the last lines of its standard error as diagnostics. */
void sim_tell(const struct sim *sim);

#endif
