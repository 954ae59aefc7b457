/* Memory and calls of the system that fail when they should: in programs test_failing_*, which are
 * linked with a library whose own calls (tests/lib/failing.syms) come here. Those of the test, and
 * of other libraries, do not. */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <cophyd/error.h>
#include <stdbool.h>

/* The `nth` allocation from now on fails, once. */
void failing_memory(long nth);
/* The `nth` call of that name ("fsync") from now on fails with that errno, once; 0 stands for a
 * write of half of what was given. */
void failing_call(const char *name, long nth, int number);
/* None fails any more. Whether it came to that. */
bool failing_end(void);

/* Blocks of memory that the library has now; and where those were made that it has since then. */
long failing_blocks(void);
void failing_mark(void);
void failing_tell_blocks(void);

/* How many bytes it has now, and at most since then. */
long failing_bytes(void);
long failing_most(void);

/* Runs it with its 1st, 2nd ... allocation failed, until it comes to its end without one. Each that
 * failed must be told of as OPH_ENOMEM, or have made no difference; and nothing may be left. One
 * testOk. Returns how many failed. With FAILING_ALL in the environment the places of the latter are
 * told, too. */
typedef int failing_fn(void *user, oph_error *err);
long failing_in_turn(const char *what, failing_fn *fn, void *user);
/* The same, but only each `step`th, and of something that stays: what it keeps is not looked at. */
long failing_some_in_turn(const char *what, long step, failing_fn *fn, void *user);
/* The same of the calls of that name; an error may be any. */
long failing_calls_in_turn(const char *name, int number, failing_fn *fn, void *user);
/* The same, told of as `what`, of a number that is no errno. */
long failing_these_in_turn(const char *what, const char *name, int number, failing_fn *fn,
                           void *user);

#endif
