/* Signals without a device, for tests: in memory, and computed by functions whose result is known.
 */
#ifndef TESTS_DERIVE_H
#define TESTS_DERIVE_H

#include <cophyd/cophyd.h>

/* Ends the test when a call failed. */
void derive_did(int rc, const oph_error *err);

oph_signal *derive_soft(oph_context *ctx, const char *name, const oph_data *initial);

/* A double with 6 digits, in Hz. */
oph_signal *derive(oph_context *ctx, const char *name, oph_signal *const *from, size_t count,
                   oph_forward_fn *forward, oph_inverse_fn *inverse);

/* 1/x of the first and back, as a frame rate is of a period; 0 fails. */
int derive_rate(const oph_value *const *from, size_t count, oph_output *to, void *user);
int derive_period(const oph_value *wanted, oph_output *to, void *user);

/* The sum of all. Put, the first gets a tenth of it and the second the rest. */
int derive_sum(const oph_value *const *from, size_t count, oph_output *to, void *user);
int derive_shares(const oph_value *wanted, oph_output *to, void *user);

/* One testOk: a fresh read is this number. */
int derive_is(oph_signal *sig, double wanted);

#endif
