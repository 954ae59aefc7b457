/* The circular buffer of a camera that never stops: what is looked at, and how it is judged. */
#ifndef AD_BUFFER_H
#define AD_BUFFER_H

#include "ad/shot.h"

/* The hook of ContinuousAcquisitionTrigger: which of the buffer's frames a trigger may count on. */
extern const struct oph__hook_ops oph__circular_buffer;

int oph__buffer_init(struct oph__shot *shot, oph_error *err);
void oph__buffer_ask(const struct oph__shot *shot, struct oph__ops *group);
void oph__buffer_take(const struct oph__op *op, int row, struct oph__buffer_look *look);

/* Whether `before` allows a trigger; fills frames and the times. `chain` as of oph__shot_check. */
int oph__buffer_check(struct oph__shot *shot, oph_error *err);
/* Whether its buffer holds the frames from before the trigger. */
bool oph__buffer_is_full(const struct oph__shot *shot, const struct oph__buffer_look *look);
enum oph__verdict oph__buffer_judge(const struct oph__shot *shot, const char **ret_why);
/* Its frames from now on are those before the next trigger. `well`: `now` shows how many there
 * were; else it counts them anew. */
void oph__buffer_ended(const struct oph__shot *shot, bool well);

#endif
