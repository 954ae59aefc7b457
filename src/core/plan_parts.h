/* What the files of a plan share, and nobody else. */
#ifndef CORE_PLAN_PARTS_H
#define CORE_PLAN_PARTS_H

#include "core/plan.h"

struct oph__asked {
    const oph_device *dev;
    const char *key; /* static: hooks ask by name */
    enum oph__when when;
    struct oph__read read;
};

/* The item that writes the signal's setpoint; NULL when none does. */
struct oph__item *oph__plan_item(const struct oph__plan *plan, const oph_signal *sig);
void oph__plan_drop(struct oph__plan *plan, size_t index);

/* How much was asked for that moment; that as reads to be made; and what came of them. */
size_t oph__asked_count(const struct oph__plan *plan, enum oph__when when);
void oph__asked_list(const struct oph__plan *plan, enum oph__when when, struct oph__read *reads);
void oph__asked_take(const struct oph__plan *plan, enum oph__when when, struct oph__read *reads);

#endif
