/* What the unit tests call of libCom's epicsUnitTest, where there is no EPICS: see ../stubs.c. */
#ifndef PLATFORMS_UNIT_TEST_H
#define PLATFORMS_UNIT_TEST_H

#include <stdarg.h>

void testPlan(int tests);
int testOk(int pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
void testPass(const char *format, ...) __attribute__((format(printf, 1, 2)));
void testFail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void testDiag(const char *format, ...) __attribute__((format(printf, 1, 2)));
void testAbort(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
int testDone(void);

#define testOk1(condition) testOk(condition, "%s", #condition)

#endif
