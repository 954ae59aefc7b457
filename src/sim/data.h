/* Texts embedded by data.S, each ended by a NUL. */
#ifndef SIM_DATA_H
#define SIM_DATA_H

extern const char sim_data_records[];  /* the records of each template */
extern const char sim_data_fields[];   /* links, alarms and first values of those records */
extern const char sim_data_releases[]; /* what was other in older releases of ADCore */
extern const char sim_data_boot[];     /* what the drivers report once the IOC is up */
extern const char sim_data_dbd[];      /* record types and device support */

#endif
