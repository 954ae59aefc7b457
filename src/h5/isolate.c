/* libhdf5 in a process of its own, for files from strangers: a damaged one can crash it, or keep it
 * busy for ever, and then ends that process. It is a fork that does what libhdf5 is asked for, one
 * thing at a time, in the oph_frames that it inherited: it opens the file, finds chunks, reads
 * lists and what is not decoded here. Pixels are read and decoded on this side.
 *
 * A fork of a program with threads has their locks as they were. libhdf5's is free, since this
 * thread holds the library's own; where the program itself was in libhdf5, the process waits for
 * ever, and is ended as if the file were damaged. What comes back is believed no more than the
 * file. */
#include "h5/isolate.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum what { ATTACH, UPDATE, LOCATE, READ, COLUMN };
enum number { INT64, FLOAT64 };

struct request {
    enum what what;
    enum number number;
    int64_t first, count;
    hsize_t at[OPH__H5_RANK];
    struct oph__region region;
    char name[256];
};

struct reply {
    int32_t rc;
    int32_t hole; /* the chunk was never written */
    int64_t count;
    struct oph__image image;
    struct oph__place place;
    struct oph__h5_why why;
    oph_error err;
};

/* libhdf5 may take a second more for each so many bytes that it reads. */
static const uint64_t bytes_a_second = 4 << 20;
/* More than it needs for the lists of a file of a million frames. */
static const rlim_t memory = (rlim_t)4 << 30;

/* --- The other side */

static uint64_t bytes_of(const oph_frames *frames, const struct request *q)
{
    return oph__region_items(&frames->image, &q->region) * frames->image.item_bytes;
}

/* Puts what was read where the other side looks for it. */
static bool hand_over(const oph_frames *frames, const void *bytes, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n =
            pwrite(frames->child.data, (const char *)bytes + done, size - done, (off_t)done);
        if (n <= 0) return false;
        done += (uint64_t)n;
    }
    return true;
}

static void do_read(oph_frames *frames, const struct request *q, struct reply *a)
{
    uint64_t bytes = bytes_of(frames, q);
    void *pixels = malloc(bytes);

    if (!pixels) oph__copy(a->why.text, sizeof a->why.text, " (no memory for it)");
    bool ok = pixels && oph__hdf5_read(frames, &frames->image, &q->region, pixels, &a->why) &&
              hand_over(frames, pixels, bytes);
    a->rc = ok ? 0 : OPH_EFILE;
    free(pixels);
}

static void do_column(oph_frames *frames, const struct request *q, struct reply *a)
{
    void *numbers = calloc((size_t)q->count, sizeof(int64_t));
    hid_t type = q->number == INT64 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;

    a->rc = numbers ? oph__column_read(frames, q->name, type, q->first, q->count, numbers,
                                       &a->count, &a->err)
                    : oph__fail_memory(&a->err, q->name);
    if (a->rc == 0 && !hand_over(frames, numbers, (uint64_t)a->count * sizeof(int64_t)))
        a->rc = oph__fail_memory(&a->err, q->name);
    free(numbers);
}

static void answer(oph_frames *frames, const struct request *q, struct reply *a)
{
    switch (q->what) {
    case ATTACH: a->rc = oph__hdf5_attach(frames, &a->err); break;
    case UPDATE: a->rc = oph__frames_look(frames, &a->err); break;
    case LOCATE:
        a->rc = oph__hdf5_locate(frames, q->at, &a->place, &a->hole) ? 0 : OPH_EFILE;
        break;
    case READ: do_read(frames, q, a); break;
    case COLUMN: do_column(frames, q, a); break;
    }
    a->image = frames->image;
}

/* Systems before Linux 5.9 know one descriptor at a time. */
static void close_from(unsigned first, unsigned last)
{
#ifdef SYS_close_range
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (unsigned fd = first; fd <= last && (long)fd < most; fd++)
        close((int)fd);
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Descriptors of the program would keep its files and connections open. */
static void close_others(const oph_frames *frames)
{
    int keep[] = {frames->child.line, frames->child.data, frames->source.fd};
    const size_t count = sizeof keep / sizeof keep[0];
    unsigned first = 3;

    qsort(keep, count, sizeof keep[0], by_number);
    for (size_t i = 0; i < count; i++) {
        if (keep[i] > 3) close_from(first, (unsigned)keep[i] - 1);
        if (keep[i] >= 3) first = (unsigned)keep[i] + 1;
    }
    close_from(first, INT_MAX);
}

static void limit(int resource, rlim_t most)
{
    struct rlimit now;

    if (getrlimit(resource, &now)) return;
    if (now.rlim_cur > most) now.rlim_cur = most;
    setrlimit(resource, &now);
}

/* What it may take beyond what the program has. */
static void limit_memory(void)
{
    unsigned long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char text[64] = "";

    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0) pages = strtoul(text, NULL, 10);
    if (fd >= 0) close(fd);
    if (pages) limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + memory);
}

static void be_alone(const oph_frames *frames)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_others(frames);
    limit(RLIMIT_CORE, 0);
    limit_memory();
}

/* Until the other side closes the line, or ends; at the latest so many seconds after a question,
 * where libhdf5 hangs and nobody is left to end this process. */
enum { LONGEST_ANSWER = 3600 };

static _Noreturn void serve(oph_frames *frames)
{
    struct request q;
    static struct reply a;

    be_alone(frames);
    while (recv(frames->child.line, &q, sizeof q, 0) == (ssize_t)sizeof q) {
        memset(&a, 0, sizeof a);
        alarm(LONGEST_ANSWER);
        answer(frames, &q, &a);
        alarm(0);
        if (send(frames->child.line, &a, sizeof a, MSG_NOSIGNAL) != (ssize_t)sizeof a) break;
    }
    _exit(0);
}

/* --- This side, in the lock */

static void close_descriptors(struct oph__child *child)
{
    if (child->line >= 0) close(child->line);
    if (child->data >= 0) close(child->data);
    child->line = child->data = -1;
}

/* How it ended: by a signal, if it did not by itself. Somebody else may have waited for it, and
 * then its number may be another's: it is not signalled. */
static int end_process(struct oph__child *child)
{
    siginfo_t info = {0};
    int status = 0;

    if (child->pid <= 0) return 0;
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        if (info.si_pid == 0) kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    child->pid = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int gone(const oph_frames *frames, oph_error *err)
{
    return oph__fail(err, OPH_EFILE, (struct oph__at){0}, frames->file, "%s", frames->child.why);
}

static int lost(oph_frames *frames, bool late, oph_error *err)
{
    struct oph__child *child = &frames->child;

    close_descriptors(child);
    int number = end_process(child);
    if (late)
        oph__format(child->why, sizeof child->why,
                    "that libhdf5 does not come to an end with it: a damaged file");
    else if (number)
        oph__format(child->why, sizeof child->why,
                    "that libhdf5 crashed on it (%s): a damaged file", strsignal(number));
    else
        oph__format(child->why, sizeof child->why, "that libhdf5 ended on it: a damaged file");
    return gone(frames, err);
}

static bool arrives(int line, double until)
{
    struct pollfd ready = {.fd = line, .events = POLLIN};

    for (;;) {
        double left = until - oph__now();
        int n = poll(&ready, 1, left > 0 ? (int)(left * 1e3) + 1 : 0);
        if (n > 0 || (n == 0 && left <= 0)) return n > 0;
        if (n < 0 && errno != EINTR) return false;
    }
}

/* Texts end where they must, and an error is one. */
static int take_error(const oph_frames *frames, struct reply *a, oph_error *err)
{
    oph_error *e = &a->err;

    a->why.text[sizeof a->why.text - 1] = '\0';
    e->device[sizeof e->device - 1] = e->pv[sizeof e->pv - 1] = '\0';
    e->wanted[sizeof e->wanted - 1] = e->found[sizeof e->found - 1] = '\0';
    e->text[sizeof e->text - 1] = '\0';
    if (a->rc == 0) return 0;
    if (a->rc != e->code || !*e->text)
        return oph__fail(err, OPH_EFILE, (struct oph__at){0}, frames->file, "a damaged file");
    if (err) *err = *e;
    return a->rc;
}

static void be_bool(bool *value)
{
    unsigned char byte;

    memcpy(&byte, value, 1);
    *value = byte != 0;
}

/* 0 once there is an answer, whatever that is. `bytes`: that libhdf5 reads for it. */
static int ask(oph_frames *frames, const struct request *q, uint64_t bytes, struct reply *ret,
               oph_error *err)
{
    const int line = frames->child.line;

    if (line < 0) return gone(frames, err);
    double until = oph__now() + frames->child.patience + (double)(bytes / bytes_a_second);
    if (send(line, q, sizeof *q, MSG_NOSIGNAL) != (ssize_t)sizeof *q)
        return lost(frames, false, err);
    if (!arrives(line, until)) return lost(frames, true, err);
    if (recv(line, ret, sizeof *ret, MSG_DONTWAIT) != (ssize_t)sizeof *ret)
        return lost(frames, false, err);
    return 0;
}

static bool fetch(const oph_frames *frames, void *to, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n = pread(frames->child.data, (char *)to + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (uint64_t)n;
    }
    return true;
}

static int no_process(oph_frames *frames, int number, oph_error *err)
{
    close_descriptors(&frames->child);
    return oph__fail(err, OPH_ESYSTEM, (struct oph__at){0}, "a process of its own for libhdf5",
                     "%s", strerror(number));
}

static int start(oph_frames *frames, oph_error *err)
{
    struct oph__child *child = &frames->child;
    int ends[2];

    child->data = memfd_create("cophyd-frames", MFD_CLOEXEC);
    if (child->data < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return no_process(frames, errno, err);
    pid_t pid = fork();
    if (pid == 0) {
        frames->is_apart = false; /* what is asked for is done here */
        child->line = ends[1];
        serve(frames);
    }
    int number = errno;
    close(ends[1]);
    child->line = ends[0];
    if (pid < 0) return no_process(frames, number, err);
    child->pid = pid;
    return 0;
}

int oph__child_attach(oph_frames *frames, oph_error *err)
{
    const struct request q = {.what = ATTACH};
    struct reply a = {0};
    int rc = start(frames, err);

    if (rc == 0) rc = ask(frames, &q, 0, &a, err);
    if (rc == 0) rc = take_error(frames, &a, err);
    be_bool(&a.image.swapped);
    be_bool(&a.image.theirs);
    be_bool(&a.image.is_ours);
    if (rc == 0) rc = oph__image_check(&frames->source, frames->name, &a.image, err);
    if (rc == 0)
        frames->image = a.image;
    else
        oph__child_detach(frames);
    return rc;
}

void oph__child_detach(oph_frames *frames)
{
    close_descriptors(&frames->child);
    end_process(&frames->child);
}

int oph__child_update(oph_frames *frames, oph_error *err)
{
    const struct request q = {.what = UPDATE};
    struct reply a;
    int rc = ask(frames, &q, 0, &a, err);

    if (rc == 0) rc = take_error(frames, &a, err);
    if (rc) return rc;
    struct oph__image now = frames->image; /* only the number of frames may change */
    now.dims[0] = a.image.dims[0];
    rc = oph__image_check(&frames->source, frames->name, &now, err);
    if (rc == 0) frames->image = now;
    return rc;
}

bool oph__child_locate(oph_frames *frames, const hsize_t *at, int rank, struct oph__place *ret,
                       int32_t *ret_hole)
{
    struct request q = {.what = LOCATE};
    struct reply a;

    memcpy(q.at, at, (size_t)rank * sizeof *at);
    *ret_hole = 0;
    if (ask(frames, &q, 0, &a, NULL)) return false;
    *ret = a.place;
    *ret_hole = a.hole;
    return a.rc == 0;
}

bool oph__child_read(oph_frames *frames, const struct oph__region *region, uint64_t bytes, void *to,
                     struct oph__h5_why *why)
{
    struct request q = {.what = READ, .region = *region};
    struct reply a;
    oph_error err = OPH_ERROR_INIT;

    if (ask(frames, &q, bytes, &a, &err)) {
        oph__format(why->text, sizeof why->text, " (%s)", frames->child.why);
        return false;
    }
    take_error(frames, &a, NULL);
    *why = a.why;
    return a.rc == 0 && fetch(frames, to, bytes);
}

int oph__child_column(oph_frames *frames, const char *name, bool whole, int64_t first,
                      int64_t count, void *to, int64_t *ret_count, oph_error *err)
{
    struct request q = {
        .what = COLUMN, .number = whole ? INT64 : FLOAT64, .first = first, .count = count};
    struct reply a;

    if (strlen(name) >= sizeof q.name)
        return oph__h5_fail(err, OPH_ENOTFOUND, frames->file, name, "no such list of numbers");
    oph__copy(q.name, sizeof q.name, name);
    int rc = ask(frames, &q, (uint64_t)count * sizeof(int64_t), &a, err);
    if (rc == 0) rc = take_error(frames, &a, err);
    if (rc) return rc;
    if (a.count < 0 || a.count > count || !fetch(frames, to, (uint64_t)a.count * sizeof(int64_t)))
        return oph__h5_fail(err, OPH_EFILE, frames->file, name, "a damaged file");
    *ret_count = a.count;
    return 0;
}
