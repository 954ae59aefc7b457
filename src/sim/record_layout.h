/* Tells EPICS Base where the fields of one of our own record types are. */
#ifndef SIM_RECORD_LAYOUT_H
#define SIM_RECORD_LAYOUT_H

#include <stddef.h>

struct dbRecordType;

struct sim_field {
    const char *name;
    size_t offset, size;
};

#define SIM_FIELD(type, name, member)                                                              \
    {                                                                                              \
        name, offsetof(type, member), sizeof(((type *)0)->member)                                  \
    }

/* Fills in type's own fields, and the common ones as the record type "bo" has them. */
int sim_record_layout(struct dbRecordType *type, size_t record_size, const struct sim_field *own,
                      size_t own_count);

#endif
