/* Waiting for what another thread has to say. */
#ifndef TEST_AWAIT_H
#define TEST_AWAIT_H

#include <semaphore.h>

/* Until it is posted; ends the test, which names what it was, after a minute. */
void await(sem_t *sem, const char *what);

#endif
