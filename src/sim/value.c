#include "sim/port.h"

#include <stdlib.h>
#include <string.h>

#include <epicsString.h>

void sim_value_copy(struct sim_value *to, const struct sim_value *from)
{
    *to = *from;
    if (from->text) to->text = epicsStrDup(from->text);
    if (from->array) to->array = sim_array_ref(from->array);
}

void sim_value_clear(struct sim_value *value)
{
    free(value->text);
    sim_array_unref(value->array);
    memset(value, 0, sizeof *value);
}
