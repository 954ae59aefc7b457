/* In the place of the libraries that there are not for the other machine: a TAP producer, random
 * UUIDs, and a Channel Access that is never asked (the tests have a fake link). */
#include "ca/link.h"
#include "h5/h5.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>
#include <uuid/uuid.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int planned, count, failed;

static void say(const char *begin, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void say(const char *begin, const char *format, va_list args)
{
    fputs(begin, stdout);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
}

static int result(int pass, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static int result(int pass, const char *format, va_list args)
{
    char begin[40];
    pthread_mutex_lock(&lock);
    failed += !pass;
    snprintf(begin, sizeof begin, "%s %d - ", pass ? "ok" : "not ok", ++count);
    say(begin, format, args);
    pthread_mutex_unlock(&lock);
    return pass;
}

void testPlan(int tests)
{
    planned = tests;
    if (planned) printf("1..%d\n", planned);
}

int testOk(int pass, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pass = result(pass, format, args);
    va_end(args);
    return pass;
}

void testPass(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    result(1, format, args);
    va_end(args);
}

void testFail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    result(0, format, args);
    va_end(args);
}

void testDiag(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&lock);
    say("# ", format, args);
    pthread_mutex_unlock(&lock);
    va_end(args);
}

void testAbort(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("Bail out! ", format, args);
    va_end(args);
    abort();
}

int testDone(void)
{
    if (!planned) printf("1..%d\n", count);
    return failed != 0 || (planned && planned != count);
}

void uuid_generate_random(uuid_t out)
{
    if (getrandom(out, sizeof(uuid_t), 0) != sizeof(uuid_t)) abort();
    out[6] = (unsigned char)((out[6] & 0x0F) | 0x40);
    out[8] = (unsigned char)((out[8] & 0x3F) | 0x80);
}

void uuid_unparse_lower(const uuid_t id, char *text)
{
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *text++ = '-';
        text += snprintf(text, 3, "%02x", id[i]);
    }
}

const struct oph__link_ops *oph__ca_ops(void)
{
    return NULL;
}

size_t oph__source_fetch(const struct oph__source *source, uint64_t address, void *to, size_t size)
{
    ssize_t got = pread(source->fd, to, size, (off_t)address);
    return got < 0 ? 0 : (size_t)got;
}

struct oph__h5_why oph__h5_why(void)
{
    return (struct oph__h5_why){""};
}
