/* This very program once more, as a process of its own that can be killed at a known point. */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <stddef.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int line; /* both ways */
};

/* Runs main with these arguments (ended by NULL). */
void child_start(struct child *child, const char *const *arguments);
/* The next line that it says, without the newline. Ends the test when none comes within 30 s; false
 * when it has ended. */
int child_hear(struct child *child, char *line, size_t size);
/* Lets it go on from child_say. */
void child_go(struct child *child);
/* SIGKILL, and gone when this returns. */
void child_kill(struct child *child);
/* Waits for its end: its exit code, or -1. */
int child_end(struct child *child);

/* In the child: says a line, and waits for child_go. */
void child_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says it and goes on. */
void child_mention(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
