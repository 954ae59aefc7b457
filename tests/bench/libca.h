/* libca as one writes it by hand for speed: everything in one flush, callbacks that count, and one
 * condition for the thread that waits. */
#ifndef BENCH_LIBCA_H
#define BENCH_LIBCA_H

#include <cadef.h>
#include <pthread.h>
#include <stdatomic.h>

/* libca_start.c */
/* How many answers are still to come. */
struct tally {
    atomic_int left;
    pthread_mutex_t lock;
    pthread_cond_t zero;
};

void tally_init(struct tally *t);
void tally_expect(struct tally *t, int count); /* before the calls that bring the answers */
void tally_one(struct tally *t);
void tally_wait(struct tally *t); /* sends what is queued, and waits for the answers */

void libca_start(void);                           /* this process's context */
void libca_need(int status, const char *what);    /* ECA_NORMAL, or the program ends */
chid libca_open(const char *pv, struct tally *t); /* tells t when it is connected */

/* libca_values.c */
void *many_set_up(void);
void many_round(void *state, struct measure *ret);
void *some_set_up(void);
void memory_500_round(void *state, struct measure *ret);
void *put_set_up(void);
void put_one_round(void *state, struct measure *ret);
void put_all_round(void *state, struct measure *ret);
void *image_set_up(void);
void image_get_round(void *state, struct measure *ret);
void image_monitor_round(void *state, struct measure *ret);

/* libca_stage.c */
void *stage_new(const char *prefix); /* in the context that there is */
void *stage_set_up(void);
void stage_on(void *state);
void stage_off(void *state);
void stage_round(void *state, struct measure *ret);
/* Puts another value to a setting of the stage, which its end puts back. */
void stage_set(void *state, const char *pv, const char *value);

/* libca_trigger.c */
void *trigger_set_up(void);
void trigger_round(void *state, struct measure *ret);
void count_round(void *state, struct measure *ret);
void acquire_round(void *state, struct measure *ret);
void trigger_stage(void *state); /* for an exposure of 1 ms */
void trigger_acquire(void *state, int count);
void trigger_unstage(void *state);
void *detectors_set_up(void);
void detectors_round(void *state, struct measure *ret);

/* libca_file.c: the frame of a file, which libhdf5 reads. */
void file_read(const char *name);

#endif
