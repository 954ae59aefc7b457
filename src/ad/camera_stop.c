#include "ad/run.h"

/* Acquire=0, then Acquire_RBV 0, and AcquireBusy where there is one. */
int oph__camera_stop(oph_device *dev, oph_error *err)
{
    struct oph__read reads[2] = {{0}};
    int64_t runs = 0, works = 0;
    int rc = oph_signal_find(dev, "cam.acquire", &reads[0].sig, err);
    if (rc) return rc;
    if (oph_signal_find(dev, "cam.acquire_busy", &reads[1].sig, NULL) || reads[1].sig->set->absent)
        reads[1].sig = NULL;
    rc = oph__read_all(dev->ctx, reads, 2, OPH_DEFAULT, false, err);
    if (!rc) {
        oph__value_int(&reads[0].set, &runs);
        oph__value_int(&reads[1].set, &works);
    }
    oph__reads_clear(reads, 2);
    if (rc || (!runs && !works)) return rc;
    struct oph__wire zero;
    oph__switch_wire(&zero, 0);
    double patience = dev->ctx->options.stop_timeout;
    struct oph__write write = {
        .sig = reads[0].sig, .wire = &zero, .expect = &zero, .patience = patience};
    rc = oph__write_all(dev->ctx, &write, 1, false, err);
    if (!rc && reads[1].sig)
        rc = oph__write_await(reads[1].sig, &zero, false, patience, false, err);
    return rc;
}
