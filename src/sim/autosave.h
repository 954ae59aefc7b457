/* What autosave does for an IOC: the values that clients set outlive a restart. */
#ifndef SIM_AUTOSAVE_H
#define SIM_AUTOSAVE_H

/* Keeps the settings of all records of this prefix for the program that this process runs next. */
void sim_autosave_keep(const char *prefix);
/* Puts back what was kept, if anything. */
void sim_autosave_restore(void);

#endif
