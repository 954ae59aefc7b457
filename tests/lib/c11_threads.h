/* Threads of <threads.h>, as librdkafka makes them, which gcc's thread sanitizer does not know. */
#ifndef TEST_C11_THREADS_H
#define TEST_C11_THREADS_H

/* In a program that calls this they are made as POSIX threads, which it knows. */
void c11_threads(void);

#endif
