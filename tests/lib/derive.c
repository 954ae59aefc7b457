#include "lib/derive.h"

#include <epicsUnitTest.h>
#include <math.h>

void derive_did(int rc, const oph_error *err)
{
    if (rc) testAbort("%s", err->text);
}

oph_signal *derive_soft(oph_context *ctx, const char *name, const oph_data *initial)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_soft_new(ctx, name, initial, NULL, &sig, &err), &err);
    return sig;
}

oph_signal *derive(oph_context *ctx, const char *name, oph_signal *const *from, size_t count,
                   oph_forward_fn *forward, oph_inverse_fn *inverse)
{
    const oph_properties precise = {.size = sizeof precise, .precision = 6, .units = "Hz"};
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_FLOAT64,
                              .name = name,
                              .properties = &precise,
                              .from = from,
                              .count = count,
                              .forward = forward,
                              .inverse = inverse};
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_derived_new(ctx, &what, &sig, &err), &err);
    return sig;
}

int derive_rate(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    double period;
    (void)count, (void)user;
    int rc = oph_value_get_double(from[0], &period, NULL);
    if (rc) return rc;
    if (period == 0) return oph_output_fail(to, OPH_ERANGE, "a period of 0 has no rate");
    double rate = 1 / period;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &rate);
}

int derive_period(const oph_value *wanted, oph_output *to, void *user)
{
    double rate;
    (void)user;
    int rc = oph_value_get_double(wanted, &rate, NULL);
    if (rc) return rc;
    if (rate == 0) return oph_output_fail(to, OPH_ERANGE, "a rate of 0 has no period");
    double period = 1 / rate;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &period);
}

int derive_sum(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    double sum = 0;
    (void)user;
    for (size_t i = 0; i < count; i++) {
        double one;
        int rc = oph_value_get_double(from[i], &one, NULL);
        if (rc) return rc;
        sum += one;
    }
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &sum);
}

int derive_shares(const oph_value *wanted, oph_output *to, void *user)
{
    double sum;
    (void)user;
    int rc = oph_value_get_double(wanted, &sum, NULL);
    double tenth = sum / 10, rest = sum - tenth;
    if (!rc) rc = oph_output_set(to, 0, OPH_FLOAT64, 1, &tenth);
    return rc ? rc : oph_output_set(to, 1, OPH_FLOAT64, 1, &rest);
}

int derive_is(oph_signal *sig, double wanted)
{
    double found = (double)NAN;
    oph_error err = OPH_ERROR_INIT;
    int good = oph_signal_get_double(sig, &found, &err) == 0 && fabs(found - wanted) < 1e-9;
    testOk(good, "%s is %g", oph_signal_path(sig), wanted);
    if (!good) testDiag("found %g %s", found, err.text);
    return good;
}
