#include "core/journal_folder.h"
#include "base/clock.h"
#include "base/err.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const double LOCK_SECONDS = 5.0; /* for another client's look at the folder */

enum { NAME_MAX_BYTES = 200 }; /* what file systems take, with room for an ending */

static const char ending[] = ".journal";

/* Every sentence about a file ends alike: it is the folder that a user can change. */
static int fail_file(oph_error *err, const char *path, const char *wanted, int number)
{
    char text[80];
    if (number == ENOMEM) return oph__fail_memory(err, wanted);
    return oph__fail_text(err, OPH_EFILE,
                          "%s: wanted %s, found \"%s\"; $COPHYD_STATE_DIR can name another folder",
                          path, wanted, strerror_r(number, text, sizeof text));
}

/* $COPHYD_STATE_DIR, else $XDG_STATE_HOME/cophyd, else ~/.local/state/cophyd. */
static int find_path(char *dst, size_t size, oph_error *err)
{
    static const struct {
        const char *variable, *below;
    } places[] = {
        {"COPHYD_STATE_DIR", ""}, {"XDG_STATE_HOME", "/cophyd"}, {"HOME", "/.local/state/cophyd"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *base = getenv(places[i].variable);
        if (!base || !*base) continue;
        bool ours = i == 0;
        if (*base != '/' && !ours) continue; /* as its specification has it */
        size_t length = strlen(base) + strlen(places[i].below);
        if (*base == '/' && length < size) {
            oph__format(dst, size, "%s%s", base, places[i].below);
            return 0;
        }
        return oph__fail_text(err, OPH_EFILE, "$%s: wanted an absolute path, found \"%s\"",
                              places[i].variable, base);
    }
    return oph__fail_text(err, OPH_EFILE,
                          "a folder for journals: wanted $COPHYD_STATE_DIR, $XDG_STATE_HOME or "
                          "$HOME, found none of them set");
}

/* mkdir -p; what is made is its user's alone. */
static int make_folder(const char *path, oph_error *err)
{
    char part[512];
    oph__copy(part, sizeof part, path);
    for (char *at = part + 1;; at++) {
        char before = *at;
        if (before && before != '/') continue;
        *at = '\0';
        if (mkdir(part, 0700) && errno != EEXIST)
            return fail_file(err, path, "a folder for journals", errno);
        *at = before;
        if (!before) return 0;
    }
}

static void sleep_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    nanosleep(&moment, NULL);
}

/* True once it is locked and still the file of that name. */
static int take_lock(int fd, const char *path, bool *ret_same, oph_error *err)
{
    struct stat open_one, named;
    double deadline = oph__now() + LOCK_SECONDS;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return fail_file(err, path, "a lock", errno);
        if (oph__now() > deadline)
            return oph__fail(err, OPH_EBUSY, (struct oph__at){.waited = LOCK_SECONDS}, path,
                             "that another process holds this lock");
        sleep_a_moment();
    }
    *ret_same = !fstat(fd, &open_one) && !stat(path, &named) && open_one.st_ino == named.st_ino &&
                open_one.st_dev == named.st_dev;
    return 0;
}

static int open_lock(struct oph__journal_folder *folder, bool create, oph_error *err)
{
    char path[sizeof folder->path + 8];
    int rc = 0, flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CREAT;
    oph__format(path, sizeof path, "%s/lock", folder->path);
    for (bool same = false; !rc && !same;) {
        folder->lock = open(path, flags, 0600);
        if (folder->lock < 0 && errno == ENOENT && create) {
            rc = make_folder(folder->path, err);
            if (!rc) folder->lock = open(path, flags, 0600);
            if (rc) break;
        }
        if (folder->lock < 0 && errno == ENOENT && !create)
            return oph__fail_text(err, OPH_ENOTFOUND, "%s: no such folder", folder->path);
        if (folder->lock < 0) return fail_file(err, path, "a file to lock", errno);
        rc = take_lock(folder->lock, path, &same, err);
        if (rc || !same) close(folder->lock);
    }
    return rc;
}

bool oph__journal_folder_is_safe(const struct stat *st, uint32_t user)
{
    return (st->st_uid == user || st->st_uid == 0) &&
           (!(st->st_mode & S_IWOTH) || (st->st_mode & S_ISVTX));
}

static int check_folder(const char *path, oph_error *err)
{
    struct stat st;
    if (stat(path, &st)) return fail_file(err, path, "a folder for journals", errno);
    if (oph__journal_folder_is_safe(&st, geteuid())) return 0;
    return oph__fail_text(
        err, OPH_EFILE,
        "%s: wanted a folder of this user's, found one of user %u with mode %03o, "
        "where others can remove journals; $COPHYD_STATE_DIR can name another "
        "folder",
        path, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
}

static void write_mine(struct oph__journal_folder *folder)
{
    char host[128] = "";
    if (gethostname(host, sizeof host - 1)) oph__copy(host, sizeof host, "localhost");
    for (char *c = host; *c; c++)
        if (*c == '/' || *c == ',' || (unsigned char)*c <= ' ') *c = '_';
    oph__format(folder->mine, sizeof folder->mine, "%u@%s,", (unsigned)geteuid(), host);
}

int oph__journal_folder_enter(struct oph__journal_folder *folder, bool create, oph_error *err)
{
    *folder = (struct oph__journal_folder){.lock = -1};
    int rc = find_path(folder->path, sizeof folder->path, err);
    if (!rc) rc = open_lock(folder, create, err);
    if (rc) return rc;
    write_mine(folder);
    rc = check_folder(folder->path, err);
    if (rc) oph__journal_folder_leave(folder);
    return rc;
}

/* Unlocked by word: a child that was forked meanwhile has the descriptor too. */
void oph__journal_folder_leave(struct oph__journal_folder *folder)
{
    flock(folder->lock, LOCK_UN);
    close(folder->lock);
}

/* Names */

static void add_escaped(struct oph__buf *buf, const char *text)
{
    for (const char *c = text; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-_.:", *c);
        if (plain)
            oph__buf_add_n(buf, c, 1);
        else
            oph__buf_addf(buf, "%%%02x", (unsigned)(unsigned char)*c);
    }
}

int oph__journal_name(const struct oph__journal_folder *folder, const char *server,
                      const char *prefix, char *dst, size_t size, oph_error *err)
{
    struct oph__buf buf = {0};
    add_escaped(&buf, server);
    oph__buf_add(&buf, ",");
    add_escaped(&buf, prefix);
    if (buf.failed) {
        oph__buf_free(&buf);
        return oph__fail_memory(err, "a journal");
    }
    const char *rest = buf.text;
    size_t room = NAME_MAX_BYTES - strlen(folder->mine) - 17;
    if (strlen(rest) <= room)
        oph__format(dst, size, "%s%s%s", folder->mine, rest, ending);
    else
        oph__format(dst, size, "%s%.*s~%016llx%s", folder->mine, (int)room, rest,
                    (unsigned long long)oph__journal_sum(rest, strlen(rest)), ending);
    oph__buf_free(&buf);
    return 0;
}

bool oph__journal_is_of(const char *name, const char *prefix)
{
    struct oph__buf tail = {0};
    oph__buf_add(&tail, ",");
    add_escaped(&tail, prefix);
    oph__buf_add(&tail, ending);
    bool same = !tail.failed && oph__ends(name, tail.text);
    oph__buf_free(&tail);
    return same;
}

static void place(const struct oph__journal_folder *folder, const char *name, const char *tail,
                  char *dst, size_t size)
{
    oph__format(dst, size, "%s/%s%s", folder->path, name, tail);
}

/* Putting in place */

static int write_all(int fd, const struct oph__buf *text)
{
    for (size_t done = 0; done < text->len;) {
        ssize_t n = write(fd, text->text + done, text->len - done);
        if (n < 0 && errno != EINTR) return errno;
        if (n > 0) done += (size_t)n;
    }
    return 0;
}

static int sync_file(int fd)
{
    while (fsync(fd))
        if (errno != EINTR) return errno;
    return 0;
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 ? errno : sync_file(fd);
    if (fd >= 0) close(fd);
    return failed;
}

int oph__journal_publish(const struct oph__journal_folder *folder, const char *name,
                         const struct oph__buf *text, bool sync, int *ret_fd, oph_error *err)
{
    char path[OPH__JOURNAL_PATH], aside[OPH__JOURNAL_PATH];
    place(folder, name, "", path, sizeof path);
    place(folder, name, ".new", aside, sizeof aside);
    if (text->failed) return oph__fail_memory(err, "a journal");
    unlink(aside); /* of a client that was killed here */
    int fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fail_file(err, path, "a journal", errno);
    int failed = write_all(fd, text);
    if (!failed && flock(fd, LOCK_EX | LOCK_NB)) failed = errno;
    if (!failed && sync) failed = sync_file(fd);
    if (!failed && rename(aside, path)) failed = errno;
    if (failed) {
        close(fd);
        unlink(aside);
        return fail_file(err, path, "a journal", failed);
    }
    *ret_fd = fd;
    if (sync && (failed = sync_folder(folder->path)))
        return fail_file(err, path, "a journal on the disk", failed);
    return 0;
}

static uint64_t read_gone(int lock)
{
    uint64_t gone = 0;
    return pread(lock, &gone, sizeof gone, 0) == sizeof gone ? gone : 0;
}

uint64_t oph__journal_folder_gone(const struct oph__journal_folder *folder)
{
    return read_gone(folder->lock);
}

uint64_t oph__journal_gone(void)
{
    struct oph__journal_folder folder = {0};
    char path[sizeof folder.path + 8];
    if (find_path(folder.path, sizeof folder.path, NULL)) return 0;
    oph__format(path, sizeof path, "%s/lock", folder.path);
    int lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) return 0;
    uint64_t gone = read_gone(lock);
    close(lock);
    return gone;
}

/* A client that is killed here has counted one too many, which does no harm. */
static int count_gone(const struct oph__journal_folder *folder)
{
    uint64_t gone = read_gone(folder->lock) + 1;
    ssize_t n;
    do
        n = pwrite(folder->lock, &gone, sizeof gone, 0);
    while (n < 0 && errno == EINTR);
    return n == sizeof gone ? 0 : n < 0 ? errno : ENOSPC;
}

int oph__journal_remove(const struct oph__journal_folder *folder, const char *name, oph_error *err)
{
    char path[OPH__JOURNAL_PATH];
    place(folder, name, "", path, sizeof path);
    int failed = count_gone(folder);
    if (failed) return fail_file(err, path, "its end noted in the file lock beside it", failed);
    return unlink(path) ? fail_file(err, path, "the journal removed", errno) : 0;
}

int oph__journal_is_there(const struct oph__journal_folder *folder, const char *name, int fd,
                          bool *ret, oph_error *err)
{
    char path[OPH__JOURNAL_PATH];
    struct stat open_one, named;
    place(folder, name, "", path, sizeof path);
    if (fstat(fd, &open_one)) return fail_file(err, path, "this journal", errno);
    bool there = !stat(path, &named);
    if (!there && errno != ENOENT) return fail_file(err, path, "this journal", errno);
    *ret = there && open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
    return 0;
}

/* Looking */

static int read_file(int fd, size_t size, char **ret, size_t *ret_length)
{
    char *text = malloc(size + 1);
    size_t done = 0;
    ssize_t n = 1;
    while (text && done < size && (n = pread(fd, text + done, size - done, (off_t)done)) != 0) {
        if (n > 0) done += (size_t)n;
        if (n < 0 && errno != EINTR) break;
    }
    int failed = !text ? ENOMEM : n < 0 ? errno : 0;
    if (failed) {
        free(text);
        return failed;
    }
    *ret = text;
    *ret_length = done;
    return 0;
}

/* Its first bytes, `most` of them. */
static int read_open(const struct oph__journal_found *found, int fd, size_t most, char **ret,
                     size_t *ret_length, oph_error *err)
{
    struct stat st;
    if (fstat(fd, &st)) return fail_file(err, found->file, "a journal", errno);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return oph__fail_text(err, OPH_EFILE, "%s: wanted a file of this user's, found another",
                              found->file);
    if (st.st_size > OPH__JOURNAL_MAX)
        return oph__fail_text(err, OPH_EPARSE, "%s: wanted at most %d bytes, found %lld",
                              found->file, OPH__JOURNAL_MAX, (long long)st.st_size);
    size_t size = (size_t)st.st_size;
    int failed = read_file(fd, size < most ? size : most, ret, ret_length);
    return failed ? fail_file(err, found->file, "a journal", failed) : 0;
}

static int load_device(struct oph__journal_found *found, int fd)
{
    char *text = NULL;
    size_t length = 0;
    int rc = read_open(found, fd, OPH__JOURNAL_HEAD_MAX, &text, &length, NULL);
    if (!rc) rc = oph__journal_parse_device(text, length, &found->content.head);
    free(text);
    return rc;
}

static int load_all(struct oph__journal_found *found, int fd, oph_error *err)
{
    char *text = NULL;
    size_t length = 0;
    int rc = read_open(found, fd, OPH__JOURNAL_MAX, &text, &length, err);
    if (!rc) rc = oph__journal_parse(text, length, found->file, &found->content, err);
    free(text);
    return rc;
}

static bool is_locked(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB)) return true;
    flock(fd, LOCK_UN);
    return false;
}

static bool is_dead(const struct oph__process *process)
{
    struct oph__process self;
    oph__process_self(&self);
    return oph__process_state(process, &self) == OPH__PROCESS_DEAD;
}

/* False: it does not matter. */
static bool load(const struct oph__journal_folder *folder, oph__journal_matters *matters,
                 const void *user, struct oph__journal_found *found)
{
    place(folder, found->name, "", found->file, sizeof found->file);
    int fd = open(found->file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        found->rc = fail_file(&found->why, found->file, "a journal", errno);
        return true;
    }
    bool wanted = !matters || load_device(found, fd) || matters(found, user);
    if (wanted) {
        found->rc = load_all(found, fd, &found->why);
        found->lives = is_locked(fd);
        if (!found->rc && found->lives) found->lives = !is_dead(&found->content.head.held_by);
    }
    close(fd);
    return wanted;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of this user's and host's files, sorted; dup'ed. */
static int list(const struct oph__journal_folder *folder, struct oph__vec *names, oph_error *err)
{
    DIR *dir = opendir(folder->path);
    const struct dirent *entry;
    int rc = 0;
    if (!dir) return fail_file(err, folder->path, "a folder of journals", errno);
    while (!rc) {
        errno = 0;
        entry = readdir(dir);
        if (!entry && errno) rc = fail_file(err, folder->path, "a folder of journals", errno);
        if (!entry) break;
        if (!oph__starts(entry->d_name, folder->mine) || !oph__ends(entry->d_name, ending))
            continue;
        char *name = oph__dup(entry->d_name);
        if (name && oph__vec_add(names, name)) continue;
        free(name);
        rc = oph__fail_memory(err, "a list of journals");
    }
    closedir(dir);
    if (names->count) qsort(names->at, names->count, sizeof *names->at, by_name);
    return rc;
}

/* A shortage of memory says nothing of the journal, which may be in somebody's way: it ends all. */
static int take(struct oph__journal_found *found, oph__journal_fn *fn, void *user, oph_error *err)
{
    if (found->rc != OPH_ENOMEM) return fn(found, user, err);
    if (err) *err = found->why;
    return found->rc;
}

int oph__journal_each(const struct oph__journal_folder *folder, oph__journal_matters *matters,
                      oph__journal_fn *fn, void *user, oph_error *err)
{
    struct oph__vec names = {0};
    int rc = list(folder, &names, err);
    for (size_t i = 0; i < names.count; i++) {
        if (!rc) {
            struct oph__journal_found found = {.name = names.at[i]};
            if (load(folder, matters, user, &found)) rc = take(&found, fn, user, err);
            oph__journal_content_clear(&found.content);
        }
        free(names.at[i]);
    }
    oph__vec_free(&names);
    return rc;
}
