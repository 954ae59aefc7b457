/* A CA repeater of this process, on a port of its own: else libca makes one, a thread and a socket,
 * whenever that of another program on this machine has ended. */
#ifndef TEST_REPEATER_H
#define TEST_REPEATER_H

/* Before the first CA context; stays until the end. */
void repeater_start(void);

#endif
