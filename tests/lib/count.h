/* What this process asks of the system: calls by name, of the library, of libca and of the test
 * alike, since the program's own definitions of these names come before libc's. */
#ifndef TEST_COUNT_H
#define TEST_COUNT_H

struct counts {
    long sends;      /* send, sendmsg: to a connection */
    long sent_bytes; /* by send */
    long echoes; /* sends that are not counted there, of libca's own: whether a server is alive, as
                    when its beacons come irregularly; and its flow control */
    long datagrams; /* sendto */
    long receives;  /* recv, recvfrom, recvmsg */
    long reads;     /* read, eventfd_read */
    long writes;    /* write, eventfd_write: how threads are woken up, here */
    long polls;     /* poll */
    long switches;  /* times that a thread went to sleep: voluntary context switches */
};

/* Since the process began. */
struct counts count_now(void);
/* From then until now. */
struct counts count_since(const struct counts *then);
/* As a diagnostic. */
void count_tell(const char *what, const struct counts *counts);
/* 1 when nothing was sent; else tells what was. */
int count_is_quiet(const struct counts *counts);

#endif
