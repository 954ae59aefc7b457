/* Recovering, inside. */
#ifndef CORE_RECOVER_H
#define CORE_RECOVER_H

#include "core/journal.h"

/* A plan as a journal has it, of signals that belong to no class. Its devices have a path and a
 * context, and nothing else. All its items count as touched. */
int oph__recover_plan(oph_context *ctx, const struct oph__journal_content *content,
                      struct oph__plan **ret, oph_error *err);
/* A signal of one PV, which is one of that plan's until it is freed. */
int oph__recover_signal(const struct oph__plan *plan, const char *pv, oph_signal **ret,
                        oph_error *err);
void oph__recover_signal_free(oph_signal *sig); /* NULL allowed */
/* With its signals and devices. */
void oph__recover_plan_free(struct oph__plan *plan);

/* Before staging again in this process: finishes what its own unstage had to leave, where it did.
 * The log tells what is not as before; what is left then is refused by oph__journal_begin. */
void oph__recover_own(oph_device *dev);

#endif
