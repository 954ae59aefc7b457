/* The hook of motor records. */
#ifndef AD_MOTOR_H
#define AD_MOTOR_H

#include "core/behaviour.h"
#include <cophyd/group.h>
#include <cophyd/motor.h>

extern const struct oph__hook_ops oph__motor;
int oph__motor_needs(oph_device *dev, void *data, struct oph__needs *list, oph_error *err);

enum oph__motor_row {
    OPH__M_SETPOINT,
    OPH__M_READBACK,
    OPH__M_DONE,
    OPH__M_STOP,
    OPH__M_RUN,
    OPH__M_SET,
    OPH__M_HIGH,
    OPH__M_LOW,
    OPH__M_VELOCITY,
    OPH__M_ACCELERATION,
    OPH__M_BACKLASH,
    OPH__M_BACKLASH_VELOCITY,
    OPH__M_DELAY,
    OPH__M_STEP,
    OPH__M_DEADBAND,
    OPH__M_HIGH_SWITCH,
    OPH__M_LOW_SWITCH,
    OPH__M_VIOLATION,
    OPH__M_MISSED,
    OPH__M_UPWARDS,
    OPH__M_UNITS,
    OPH__M_ROWS
};

/* What was read of a motor at one time; a row that was not read is NAN. */
struct oph__motor_look {
    double number[OPH__M_ROWS];
    int32_t severity; /* of the readback */
    char units[16];
};

/* A place to go to, and how it is known that it is there. */
struct oph__motor_aim {
    oph_device *dev;
    oph_signal *rows[OPH__M_ROWS];
    double position, tolerance, timeout;
    struct oph__motor_look before;
};

/* Looks whether the motor can go there: one round trip. */
int oph__motor_aim(oph_device *dev, double position, struct oph__motor_aim *ret, oph_error *err);
/* Whether it is there, as a look after the put's completion says. */
int oph__motor_judge(const struct oph__motor_aim *aim, const struct oph__motor_look *after,
                     double waited, oph_error *err);

/* Adds the reads of what _judge looks at to a group, for when no put of it is under way any more;
 * and takes their values, where the first of them is that entry of the group. */
int oph__motor_ask_after(const struct oph__motor_aim *aim, oph_group *group, oph_error *err);
int oph__motor_take_after(const struct oph__motor_aim *aim, oph_group *group, size_t first,
                          struct oph__motor_look *ret, oph_error *err);

#endif
