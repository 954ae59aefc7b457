/* The tests once more over a slow link: with COPHYD_LINK="SECONDS [SHARE STALL SEED]", as
 * tests/link/far.c takes them, it stands between this process and its simulator. They take their
 * time: with TEST_TIMEOUT=600 make check gives it to them. */
#ifndef TEST_FAR_H
#define TEST_FAR_H

#include <sys/types.h>

/* Points this process's Channel Access at the link to this port of 127.0.0.1; 0 without
 * COPHYD_LINK. It ends with the thread that started it. */
pid_t far_start(int port);
/* Whoever makes a Channel Access client next is beside the IOC (near 1) and searches it by UDP,
 * which is soon repeated where the IOC is about to start; or is behind the link again, if there is
 * one. */
void far_stand(int near);
/* 0 is allowed. */
void far_stop(pid_t link);

#endif
