#include "base/process.h"

#include "base/str.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The start of a small file; "" when it cannot be read. */
static void read_start(const char *path, char *dst, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, dst, size - 1) : -1;

    if (fd >= 0) close(fd);
    dst[got > 0 ? got : 0] = '\0';
}

/* Fields of /proc/PID/stat, counted from 1 as in proc(5). The second is in parentheses, and may
 * have any character in it. */
static const char *field(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');

    for (int i = 2; at && i < number; i++) {
        at = strchr(at, ' ');
        if (at) at++;
    }
    return at ? at : "";
}

enum { STATE = 3, THREADS = 20, START = 22 };

/* A zombie holds nothing any more; but a process whose first thread has ended looks like one, and
 * has other threads. */
static bool has_ended(const char *stat)
{
    char state = *field(stat, STATE);

    return !state || state == 'X' || (state == 'Z' && strtoull(field(stat, THREADS), NULL, 10) < 2);
}

static void read_stat(const char *path, bool *ret_ended, struct oph__process *ret)
{
    char stat[1024];

    read_start(path, stat, sizeof stat);
    const char *name = strchr(stat, '('), *end = strrchr(stat, ')');
    *ret_ended = has_ended(stat);
    ret->start = strtoull(field(stat, START), NULL, 10);
    if (name && end > name)
        oph__format(ret->program, sizeof ret->program, "%.*s", (int)(end - name - 1), name + 1);
}

void oph__process_self(struct oph__process *ret)
{
    struct stat space;
    bool ended;

    *ret = (struct oph__process){.pid = getpid()};
    read_stat("/proc/self/stat", &ended, ret);
    if (stat("/proc/self/ns/pid", &space) == 0) ret->space = space.st_ino;
    read_start("/proc/sys/kernel/random/boot_id", ret->boot, sizeof ret->boot);
    ret->boot[strcspn(ret->boot, "\n")] = '\0';
}

enum oph__process_state oph__process_state(const struct oph__process *process,
                                           const struct oph__process *self)
{
    struct oph__process now = {0};
    char path[48];
    bool ended;

    if (!oph__equal(process->boot, self->boot)) return OPH__PROCESS_DEAD;
    if (process->space != self->space) return OPH__PROCESS_UNKNOWN;
    oph__format(path, sizeof path, "/proc/%" PRId64 "/stat", process->pid);
    read_stat(path, &ended, &now);
    return ended || now.start != process->start ? OPH__PROCESS_DEAD : OPH__PROCESS_LIVES;
}
