#include "lib/failing.h"

#include <cadef.h>
#include <cophyd/error.h>
#include <dirent.h>
#include <epicsUnitTest.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Memory */

struct block {
    struct block *next;
    const void *at, *place;
    size_t size;
    long mark;
};

enum { SLOTS = 1 << 14 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *slots[SLOTS];
static long blocks, bytes, most, mark;
static long left; /* until one fails; 0: none will */
static char name_of_call[32];
static int number_of_call;
static bool came;
static void *places[12]; /* of what failed: it, its caller, and so on */
static int place_count;

static struct block **slot_of(const void *at)
{
    struct block **slot = &slots[((uintptr_t)at >> 4) * 0x9E3779B97F4A7C15u >> 50];

    while (*slot && (*slot)->at != at)
        slot = &(*slot)->next;
    return slot;
}

static void *take(void *at, size_t size, const void *caller)
{
    struct block *block = malloc(sizeof *block);

    if (!at || !block) abort();
    pthread_mutex_lock(&lock);
    struct block **slot = slot_of(at);
    *block = (struct block){NULL, at, caller, size, mark};
    *slot = block;
    blocks++;
    bytes += (long)size;
    if (bytes > most) most = bytes;
    pthread_mutex_unlock(&lock);
    return at;
}

/* What other libraries made and this one frees is not there. */
static void drop(const void *at)
{
    pthread_mutex_lock(&lock);
    struct block **slot = slot_of(at), *block = *slot;
    if (block) {
        *slot = block->next;
        blocks--;
        bytes -= (long)block->size;
    }
    pthread_mutex_unlock(&lock);
    free(block);
}

/* Whether this call of `name` is the one. */
static bool fails(const char *name)
{
    pthread_mutex_lock(&lock);
    bool now = left > 0 && strcmp(name, name_of_call) == 0 && --left == 0;
    if (now) {
        came = true;
        place_count = backtrace(places, sizeof places / sizeof places[0]);
    }
    pthread_mutex_unlock(&lock);
    if (now) errno = number_of_call;
    return now;
}

#define CALLER __builtin_return_address(0)
#define MEMORY "memory"

void *failing_malloc(size_t size);
void *failing_malloc(size_t size)
{
    return fails(MEMORY) ? NULL : take(malloc(size ? size : 1), size, CALLER);
}

void *failing_calloc(size_t count, size_t size);
void *failing_calloc(size_t count, size_t size)
{
    if (fails(MEMORY)) return NULL;
    void *at = calloc(count ? count : 1, size ? size : 1);
    return at ? take(at, count * size, CALLER) : NULL;
}

void *failing_realloc(void *at, size_t size);
void *failing_realloc(void *at, size_t size)
{
    if (fails(MEMORY)) return NULL;
    if (at) drop(at);
    return take(realloc(at, size), size, CALLER);
}

void *failing_aligned_alloc(size_t alignment, size_t size);
void *failing_aligned_alloc(size_t alignment, size_t size)
{
    return fails(MEMORY) ? NULL : take(aligned_alloc(alignment, size), size, CALLER);
}

void failing_free(void *at);
void failing_free(void *at)
{
    if (at) drop(at);
    free(at);
}

/* Calls of the system */

int failing_open(const char *path, int flags, ...);
int failing_open(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails("open") ? -1 : open(path, flags, mode);
}

ssize_t failing_write(int fd, const void *data, size_t size);
ssize_t failing_write(int fd, const void *data, size_t size)
{
    if (!fails("write")) return write(fd, data, size);
    return number_of_call ? -1 : write(fd, data, (size + 1) / 2);
}

ssize_t failing_read(int fd, void *data, size_t size);
ssize_t failing_read(int fd, void *data, size_t size)
{
    if (!fails("read")) return read(fd, data, size);
    return number_of_call ? -1 : read(fd, data, (size + 1) / 2);
}

ssize_t failing_pread(int fd, void *data, size_t size, off_t at);
ssize_t failing_pread(int fd, void *data, size_t size, off_t at)
{
    if (!fails("pread")) return pread(fd, data, size, at);
    return number_of_call ? -1 : pread(fd, data, (size + 1) / 2, at);
}

ssize_t failing_pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t failing_pwrite(int fd, const void *data, size_t size, off_t at)
{
    if (!fails("pwrite")) return pwrite(fd, data, size, at);
    return number_of_call ? -1 : pwrite(fd, data, (size + 1) / 2, at);
}

DIR *failing_opendir(const char *path);
DIR *failing_opendir(const char *path)
{
    return fails("opendir") ? NULL : opendir(path);
}

struct dirent *failing_readdir(DIR *dir);
struct dirent *failing_readdir(DIR *dir)
{
    return fails("readdir") ? NULL : readdir(dir);
}

#define CALL(name, parameters, ...)                                                                \
    int failing_##name parameters;                                                                 \
    int failing_##name parameters                                                                  \
    {                                                                                              \
        return fails(#name) ? -1 : name(__VA_ARGS__);                                              \
    }
CALL(fsync, (int fd), fd)
CALL(rename, (const char *from, const char *to), from, to)
CALL(ftruncate, (int fd, off_t size), fd, size)
CALL(unlink, (const char *path), path)
CALL(mkdir, (const char *path, mode_t mode), path, mode)
CALL(flock, (int fd, int operation), fd, operation)
CALL(fstat, (int fd, struct stat *ret), fd, ret)
CALL(stat, (const char *path, struct stat *ret), path, ret)

/* What fstat is before glibc 2.33. */
int failing_fxstat(int version, int fd, struct stat *ret);
int failing_fxstat(int version, int fd, struct stat *ret)
{
    (void)version;
    return fails("fstat") ? -1 : fstat(fd, ret);
}

CALL(eventfd, (unsigned count, int flags), count, flags)

int failing_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                           void *arg);
int failing_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                           void *arg)
{
    return fails("pthread_create") ? EAGAIN : pthread_create(thread, attributes, fn, arg);
}

int failing_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int failing_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    return fails("pthread_mutex_init") ? ENOMEM : pthread_mutex_init(mutex, attributes);
}

/* Calls of libca; the number is the status that they give. */
#define REFUSABLE(name, parameters, ...)                                                           \
    int failing_##name parameters;                                                                 \
    int failing_##name parameters                                                                  \
    {                                                                                              \
        return fails(#name) ? number_of_call : name(__VA_ARGS__);                                  \
    }
REFUSABLE(ca_context_create, (enum ca_preemptive_callback_select select), select)
REFUSABLE(ca_create_channel, (const char *pv, caCh *changed, void *user, capri priority, chid *ret),
          pv, changed, user, priority, ret)
REFUSABLE(ca_array_get_callback,
          (chtype type, unsigned long count, chid id, caEventCallBackFunc *fn, void *user), type,
          count, id, fn, user)
REFUSABLE(ca_array_put, (chtype type, unsigned long count, chid id, const void *data), type, count,
          id, data)
REFUSABLE(ca_array_put_callback,
          (chtype type, unsigned long count, chid id, const void *data, caEventCallBackFunc *fn,
           void *user),
          type, count, id, data, fn, user)
REFUSABLE(ca_create_subscription,
          (chtype type, unsigned long count, chid id, long mask, caEventCallBackFunc *fn,
           void *user, evid *ret),
          type, count, id, mask, fn, user, ret)

int failing_ca_flush_io(void);
int failing_ca_flush_io(void)
{
    return fails("ca_flush_io") ? number_of_call : ca_flush_io();
}

void failing_call(const char *name, long nth, int number)
{
    pthread_mutex_lock(&lock);
    snprintf(name_of_call, sizeof name_of_call, "%s", name);
    number_of_call = number;
    left = nth;
    came = false;
    pthread_mutex_unlock(&lock);
}

void failing_memory(long nth)
{
    failing_call(MEMORY, nth, ENOMEM);
}

bool failing_end(void)
{
    pthread_mutex_lock(&lock);
    left = 0;
    bool it_did = came;
    pthread_mutex_unlock(&lock);
    return it_did;
}

long failing_blocks(void)
{
    pthread_mutex_lock(&lock);
    long now = blocks;
    pthread_mutex_unlock(&lock);
    return now;
}

void failing_mark(void)
{
    pthread_mutex_lock(&lock);
    mark++;
    most = bytes;
    pthread_mutex_unlock(&lock);
}

/* As addr2line -e PROGRAM wants it. */
extern const char __executable_start;
static long in_program(const void *at)
{
    return at ? (const char *)at - &__executable_start : 0;
}

void failing_tell_blocks(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < SLOTS; i++)
        for (const struct block *b = slots[i]; b; b = b->next)
            if (b->mark == mark)
                testDiag("%zu bytes of 0x%lx are left", b->size, in_program(b->place));
    pthread_mutex_unlock(&lock);
}

long failing_bytes(void)
{
    pthread_mutex_lock(&lock);
    long now = bytes;
    pthread_mutex_unlock(&lock);
    return now;
}

long failing_most(void)
{
    pthread_mutex_lock(&lock);
    long then = most;
    pthread_mutex_unlock(&lock);
    return then;
}

/* In turn */

/* Where the one that failed was. */
static void tell_place(void)
{
    for (int i = 2; i < place_count; i++)
        testDiag("  0x%lx", in_program(places[i]));
}

struct turn {
    const char *name; /* of a call, or MEMORY */
    int number;
    failing_fn *fn;
    void *user;
    long step;
    bool keeps; /* what is made once may be there or not */
    long failed, told, wrong;
};

/* One run. Whether it came to the nth. */
static bool run_one(struct turn *turn, const char *what, long nth)
{
    oph_error err = OPH_ERROR_INIT;
    long before = failing_blocks();

    failing_mark();
    failing_call(turn->name, nth, turn->number);
    int rc = turn->fn(turn->user, &err);
    bool it_did = failing_end(), is_memory = turn->number == ENOMEM;
    bool good = rc == 0 || (it_did && rc != OPH_ESTATE && (!is_memory || rc == OPH_ENOMEM) &&
                            err.code == rc && *err.text);
    bool clean = turn->keeps || failing_blocks() == before;
    if (!good) testDiag("%s %ld: %s: %s", what, nth, oph_code_name(rc), err.text);
    if (!clean) {
        testDiag("%s %ld: %ld blocks are left", what, nth, failing_blocks() - before);
        failing_tell_blocks();
    }
    bool is_told = it_did && !rc && getenv("FAILING_ALL");
    if (is_told) testDiag("%s %ld made no difference", what, nth);
    if (!good || !clean || is_told) tell_place();
    turn->failed += it_did;
    turn->told += rc != 0;
    turn->wrong += !good || !clean;
    return it_did;
}

static long run_all(struct turn *turn, const char *what)
{
    for (long nth = 1; run_one(turn, what, nth); nth += turn->step)
        ;
    testOk(turn->failed > 0 && !turn->wrong, "%s: %ld failed in turn, %ld of them were told of",
           what, turn->failed, turn->told);
    return turn->failed;
}

long failing_in_turn(const char *what, failing_fn *fn, void *user)
{
    struct turn turn = {.name = MEMORY, .number = ENOMEM, .step = 1, .fn = fn, .user = user};
    char text[80];

    snprintf(text, sizeof text, "%s, allocation", what);
    return run_all(&turn, text);
}

long failing_some_in_turn(const char *what, long step, failing_fn *fn, void *user)
{
    struct turn turn = {
        .name = MEMORY, .number = ENOMEM, .step = step, .keeps = true, .fn = fn, .user = user};
    char text[80];

    snprintf(text, sizeof text, "%s, allocation", what);
    return run_all(&turn, text);
}

long failing_these_in_turn(const char *what, const char *name, int number, failing_fn *fn,
                           void *user)
{
    struct turn turn = {.name = name, .number = number, .step = 1, .fn = fn, .user = user};

    return run_all(&turn, what);
}

long failing_calls_in_turn(const char *name, int number, failing_fn *fn, void *user)
{
    char text[80];

    snprintf(text, sizeof text, "%s, %s", name, number ? strerror(number) : "half of it");
    return failing_these_in_turn(text, name, number, fn, user);
}
