/* The detector's trigger input, and what else can end a wait of camserver: a stop. Pulses keep
 * their time, so that one that came while an exposure ran is lost, as in the detector, and one that
 * came while only the driver was busy is not. */
#ifndef SIM_TRIGGER_H
#define SIM_TRIGGER_H

#include <pthread.h>
#include <stdbool.h>

enum { SIM_PULSES = 1024 }; /* that can wait; then the oldest is lost */

struct sim_trigger {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopped, high;
    double pulse[SIM_PULSES]; /* when each came, on sim_now's clock */
    unsigned first, count;
    int gates_begun, gates_ended; /* since the detector was armed */
};

void sim_trigger_init(struct sim_trigger *trigger);

/* From any thread. */
void sim_trigger_pulse(struct sim_trigger *trigger);
void sim_trigger_gate(struct sim_trigger *trigger, bool high);
void sim_trigger_stop(struct sim_trigger *trigger);

void sim_trigger_clear_stop(struct sim_trigger *trigger);
/* Forgets pulses and gates: those before count for nothing. A gate that is high begins now. */
void sim_trigger_arm(struct sim_trigger *trigger);

enum sim_woken { SIM_HAPPENED, SIM_TIMEOUT, SIM_STOPPED };

/* Each waits until then at most, on sim_now's clock, and at any rate no longer than a stop. */
enum sim_woken sim_trigger_sleep(struct sim_trigger *trigger, double then); /* or SIM_TIMEOUT */
/* The first pulse not before ready. */
enum sim_woken sim_trigger_wait_pulse(struct sim_trigger *trigger, double ready, double then,
                                      double *ret_when);
/* Until more than count gates have begun, or ended. */
enum sim_woken sim_trigger_wait_gate(struct sim_trigger *trigger, int count, bool ended,
                                     double then);

#endif
