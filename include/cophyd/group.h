/* Groups: what many signals are asked goes out in one flush and gives one report. */
#ifndef COPHYD_GROUP_H
#define COPHYD_GROUP_H

#include <cophyd/signal.h>

OPH_BEGIN_DECLS

/* A group: entries, numbered from 0 in the order in which they are added: connects, reads, puts,
 * waits. It may be run again and again. One thread at a time; the signals must outlive it. */
typedef struct oph_group oph_group;
OPH_API int oph_group_new(oph_context *ctx, oph_group **ret, oph_error *err);
/* One that still runs ends with OPH_ECANCEL. NULL allowed. */
OPH_API void oph_group_free(oph_group *group);

/* Each adds an entry, checks its options and sends nothing. OPH_ESTATE while the group runs. */
OPH_API int oph_group_connect(oph_group *group, oph_signal *sig, oph_error *err);
OPH_API int oph_group_read(oph_group *group, oph_signal *sig, const oph_read_options *opt,
                           oph_error *err);
OPH_API int oph_group_put(oph_group *group, oph_signal *sig, const oph_data *value,
                          const oph_put_options *opt, oph_error *err); /* value is copied */
OPH_API int oph_group_wait(oph_group *group, oph_signal *sig, const oph_condition *until,
                           double timeout, oph_error *err);

/* Runs all entries at once, and waits until each is done, or has failed at its own timeout or at
 * this one (OPH_DEFAULT: none of its own). Puts go out in order; a PV that is not connected delays
 * no other. Returns the first entry's error in the order of the entries; the report, which is yours
 * where ret_report is not NULL, has one for each that failed. */
OPH_API int oph_group_run(oph_group *group, double timeout, oph_report **ret_report,
                          oph_error *err);
/* The same, not waited for. The status' error is that of the first entry which failed; cancelling
 * it gives up what is not done. */
OPH_API int oph_group_start(oph_group *group, double timeout, oph_status **ret_status,
                            oph_error *err);

/* Entries so far. */
OPH_API size_t oph_group_count(const oph_group *group);
/* What came of an entry when the group ran last, or OPH_ESTATE. */
OPH_API int oph_group_result(oph_group *group, size_t index, oph_error *err);
/* The value of a read; borrowed until the group runs again. NULL when it failed, or runs. */
OPH_API const oph_value *oph_group_value(oph_group *group, size_t index);

OPH_END_DECLS

#endif
