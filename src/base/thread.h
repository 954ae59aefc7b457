/* Threads of the library's own. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* As pthread_create. All signals are blocked in it, so that the program's handlers run on the
 * program's threads. */
int oph__thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg);

#endif
