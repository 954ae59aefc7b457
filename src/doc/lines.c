/* The sink that writes JSON lines. */
#include "doc/lines.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct oph_document_lines {
    int fd;
    bool ours; /* it is closed at the end */
    bool is_file, is_socket;
    bool torn; /* it ends in a part of a line */
    double patience;
    char *name; /* for errors */
    struct oph__buf line;
};

static int failed(const struct oph_document_lines *l, int code, const char *what, const char *why,
                  oph_error *err)
{
    return oph__fail_text(err, code, "%s: %s: %s", l->name, what, why);
}

/* Takes fd over where it is `ours`, also on an error. */
static int new_lines(int fd, bool ours, char *name, oph_document_lines **ret, oph_error *err)
{
    struct stat st;
    struct oph_document_lines *l = calloc(1, sizeof *l);
    if (!l || !name) {
        free(name);
        free(l);
        if (ours) close(fd);
        return oph__fail_memory(err, "a sink of documents");
    }
    *l = (struct oph_document_lines){.fd = fd, .ours = ours, .patience = 10, .name = name};
    int rc = 0;
    if (fstat(fd, &st)) rc = failed(l, OPH_EFILE, "documents", strerror(errno), err);
    if (rc) {
        oph_document_lines_free(l);
        return rc;
    }
    l->is_file = S_ISREG(st.st_mode);
    l->is_socket = S_ISSOCK(st.st_mode);
    *ret = l;
    return 0;
}

int oph_document_lines_new(int descriptor, oph_document_lines **ret, oph_error *err)
{
    return new_lines(descriptor, false, oph__dupf("descriptor %d", descriptor), ret, err);
}

void oph__document_lines_patience(oph_document_lines *l, double seconds)
{
    l->patience = seconds;
}

/* A file that was made is on the disk when its folder is. */
static void sync_folder(const char *path)
{
    char *copy = oph__dup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

/* Does it end in a part of a line, as a killed program leaves it? What comes would be lost, too. */
static bool ends_torn(const char *path)
{
    char last = '\n';
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    if (pread(fd, &last, 1, lseek(fd, 0, SEEK_END) - 1) != 1) last = '\n';
    close(fd);
    return last != '\n';
}

static int open_file(const char *path, int flags, oph_document_lines **ret, oph_error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0666);
    if (fd < 0)
        return oph__fail_text(err, OPH_EFILE, "%s: opening it for documents: %s", path,
                              strerror(errno));
    sync_folder(path);
    int rc = new_lines(fd, true, oph__dup(path), ret, err);
    if (!rc && (*ret)->is_file) (*ret)->torn = ends_torn(path);
    return rc;
}

int oph_document_lines_open(const char *path, oph_document_lines **ret, oph_error *err)
{
    return open_file(path, 0, ret, err);
}

int oph__document_lines_create(const char *path, oph_document_lines **ret, oph_error *err)
{
    return open_file(path, O_EXCL, ret, err);
}

void oph_document_lines_free(oph_document_lines *l)
{
    if (!l) return;
    if (l->ours) close(l->fd);
    oph__buf_free(&l->line);
    free(l->name);
    free(l);
}

/* Writing where nobody reads any more gives EPIPE, and no SIGPIPE: one that was pending before
 * stays so. */
static ssize_t write_quietly(const struct oph_document_lines *l, const char *bytes, size_t count)
{
    if (l->is_socket) return send(l->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    sigset_t pipe, was, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    bool before = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &was);
    ssize_t n = write(l->fd, bytes, count);
    int error = errno;
    if (n < 0 && error == EPIPE && !before)
        while (sigtimedwait(&pipe, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    errno = error;
    return n;
}

/* A pipe that poll says can be written to takes so many bytes without blocking. */
static ssize_t write_some(const struct oph_document_lines *l, const char *bytes, size_t count,
                          double until)
{
    struct pollfd ready = {.fd = l->fd, .events = POLLOUT};
    if (l->is_file) return write(l->fd, bytes, count);
    double left = until - oph__now();
    int n = left > 0 ? poll(&ready, 1, (int)(left * 1e3) + 1) : 0;
    if (!n) errno = ETIMEDOUT;
    if (n <= 0) return -1;
    return write_quietly(l, bytes, count < PIPE_BUF ? count : PIPE_BUF);
}

/* What was written of a line that did not fit would make one with the next; it is what was before
 * where nothing was written, or all of that is taken back. */
static void take_back(struct oph_document_lines *l, size_t written)
{
    if (!written) return;
    off_t end = l->is_file ? lseek(l->fd, 0, SEEK_CUR) : -1;
    bool back = end >= (off_t)written && !ftruncate(l->fd, end - (off_t)written) &&
                lseek(l->fd, end - (off_t)written, SEEK_SET) == end - (off_t)written;
    if (!back) l->torn = true;
}

static int write_line(struct oph_document_lines *l, const char *name, oph_error *err)
{
    char what[64], found[64];
    size_t done = 0;
    double until = oph__now() + l->patience;
    while (done < l->line.len) {
        ssize_t n = write_some(l, l->line.text + done, l->line.len - done, until);
        if (n > 0) {
            done += (size_t)n;
            until = oph__now() + l->patience;
        }
        if (n >= 0 || errno == EINTR || errno == EAGAIN) continue;
        int why = errno;
        take_back(l, done);
        oph__format(what, sizeof what, "writing the document \"%s\"", name);
        if (why != ETIMEDOUT) return failed(l, OPH_EFILE, what, strerror(why), err);
        oph__format(found, sizeof found, "nobody took anything from it for %g s", l->patience);
        return failed(l, OPH_ETIMEOUT, what, found, err);
    }
    return 0;
}

/* What is no file has nothing to sync. */
static int sync_lines(const struct oph_document_lines *l, oph_error *err)
{
    if (!l->is_file || !fsync(l->fd)) return 0;
    return failed(l, OPH_EFILE, "bringing documents to the disk", strerror(errno), err);
}

int32_t oph_document_lines_write(void *lines, const char *name, const char *json, size_t length,
                                 oph_error *err)
{
    struct oph_document_lines *l = lines;
    l->line.len = 0;
    oph__buf_addf(&l->line, "%s[\"%s\",", l->torn ? "\n" : "", name);
    oph__buf_add_n(&l->line, json, length);
    oph__buf_add(&l->line, "]\n");
    if (l->line.failed) {
        oph__buf_free(&l->line);
        return oph__fail_memory(err, "a document");
    }
    int rc = write_line(l, name, err);
    if (!rc) l->torn = false;
    if (!rc && oph__equal(name, "stop")) rc = sync_lines(l, err);
    return rc;
}
