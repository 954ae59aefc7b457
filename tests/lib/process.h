/* What this process holds at the moment: threads, descriptors, memory. */
#ifndef TEST_PROCESS_H
#define TEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

int process_threads(void);
int process_descriptors(void);
/* Of a folder, as /proc/PID/fd. */
int process_entries(const char *folder);
/* As diagnostics. */
void process_tell_descriptors(void);
size_t process_heap(void); /* bytes that malloc has given out */

/* Waits until there are no more threads than that; false, with a diagnostic, after 40 s. */
bool process_calms(int threads);

#endif
