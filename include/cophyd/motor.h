/* Motors: EPICS motor records, devices of the class EpicsMotor, or of one that is derived from it.
 * The prefix is the record's name:
 *
 *     rc = oph_device_new(ctx, "EpicsMotor", "13PIL1:m1", "m1", &m1, &err);
 *     if (!rc) rc = oph_move(m1, 12.5, NULL, &err);
 *
 * Anything else that can be put to, as a temperature or a signal in memory, is moved by
 * oph_signal_put, which waits for its readback. oph_scan takes both. */
#ifndef COPHYD_MOTOR_H
#define COPHYD_MOTOR_H

#include <cophyd/device.h>
#include <cophyd/status.h>

OPH_BEGIN_DECLS

/* Set `size` to sizeof(oph_move_options). Zero means the default that is named here. */
typedef struct oph_move_options {
    uint32_t size;
    uint32_t reserved;
    double timeout;   /* seconds until it must be there; twice what way, speed and backlash make of
                         it, and the context's put_timeout */
    double tolerance; /* how far from the position is there; the record's RDBD, or MRES where that
                         is more; where both are 0 10^-PREC */
} oph_move_options;

/* Moves a motor to a user position and waits until it is there. It first looks whether that can
 * work: OPH_ERANGE outside the limits (LLM, HLM; none where they are equal) and for NaN, OPH_EBUSY
 * while it moves, OPH_ESTATE while it is stopped or paused (SPMG) or is being calibrated (SET).
 * Nothing was put then. Done means: the put's completion, DMOV 1, no limit switch in the way, no
 * MISS, no major alarm, the setpoint still ours, and the readback within the tolerance; else
 * OPH_EMISMATCH, which names what is not so. OPH_ETIMEOUT, and OPH_EINTR after oph_interrupt: the
 * motor was told to stop; after an interrupt it was also waited for, at most the context's
 * stop_timeout. OPH_ECANCEL when oph_stop stopped it. OPH_EINVAL for another class. opt may be
 * NULL. */
OPH_API int oph_move(oph_device *motor, double position, const oph_move_options *opt,
                     oph_error *err);
/* The same, not waited for. It blocks for the look, then returns. Cancelling the status stops the
 * motor, and the status fails with OPH_ECANCEL once that stands. Its progress is the way, in the
 * record's units. */
OPH_API int oph_move_start(oph_device *motor, double position, const oph_move_options *opt,
                           oph_status **ret_status, oph_error *err);
/* Only looks whether oph_move would refuse that position now. */
OPH_API int oph_move_check(oph_device *motor, double position, oph_error *err);

/* oph_stop (acquire.h) stops a motor, whoever moves it, and waits until DMOV is 1. */

OPH_END_DECLS

#endif
