/* What our sides share. */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "bench/side.h"

#include <cophyd/cophyd.h>
#include <semaphore.h>
#include <stdatomic.h>

/* How many events are still to come. */
struct count {
    atomic_int left;
    sem_t zero;
};

void count_init(struct count *c);
void count_expect(struct count *c, int events); /* before what brings them */
void count_one(struct count *c);
void count_wait(struct count *c);

void ours_need(int rc, const oph_error *err);
oph_context *ours_context(void);
/* Parses a text of classes. */
void ours_parse(oph_context *ctx, const char *text);
/* A device with an attribute for each record b:sN from `first` on. Each is a setting too, since
 * connecting is for what staging needs. */
oph_device *ours_device(oph_context *ctx, const char *name, int first, int end);
char *ours_class_text(const char *name, int first, int end); /* its class; to be freed */
void ours_connect(oph_device *dev);
void ours_find(oph_device *dev, oph_signal **ret); /* all attributes */
/* Gets an array of `count` numbers, whose element i is i, so many times: seconds for one. */
double ours_gets(oph_signal *sig, int32_t *pixels, size_t count, int times);

/* The reference page's detector, number 1, 2 ... of those that the IOCs have. */
extern const char ours_detector_text[];
oph_device *ours_detector(oph_context *ctx, int number);
void ours_stage(oph_device *det);
void ours_trigger(oph_device *det);
void ours_unstage(oph_device *det);

/* ours_values.c */
void *put_set_up(void);
void put_one_round(void *state, struct measure *ret);
void put_all_round(void *state, struct measure *ret);
void *image_set_up(void);
void image_get_round(void *state, struct measure *ret);
void image_monitor_round(void *state, struct measure *ret);

/* ours_detector.c */
void *detector_set_up(void);
void stage_round(void *state, struct measure *ret);
void trigger_round(void *state, struct measure *ret);
void acquire_round(void *state, struct measure *ret);
void *detectors_set_up(void);
void detectors_round(void *state, struct measure *ret);
void *construct_set_up(void);
void construct_first_round(void *state, struct measure *ret);
void *construct_again_set_up(void);
void construct_round(void *state, struct measure *ret);

#endif
