/* Whether a file may be opened now, without libhdf5 and without keeping a lock: a reader's lock
 * makes the IOC's next H5Fcreate of that name fail. */
#include "h5/flat.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { SIGNATURE = 8, SUPERBLOCK = 12, VERSION_AT = 8, FLAGS_AT = 11 };
enum { FLAG_WRITING = 1, FLAG_SWMR = 4 };

static const unsigned char signature[SIGNATURE] = "\211HDF\r\n\032\n";

/* Finds the superblock, which follows a user block of 0, 512, 1024, ... bytes. */
static bool find_superblock(const struct oph__source *source,
                            unsigned char superblock[static SUPERBLOCK])
{
    const off_t last = source->stat.st_size - SUPERBLOCK;

    for (off_t at = 0; at <= last; at = at ? 2 * at : 512)
        if (oph__source_fetch(source, (uint64_t)at, superblock, SUPERBLOCK) == SUPERBLOCK &&
            memcmp(superblock, signature, SIGNATURE) == 0)
            return true;
    return false;
}

/* A file system without locks cannot tell: then the file counts as free. */
static bool is_locked(int fd)
{
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        flock(fd, LOCK_UN);
        return false;
    }
    return errno == EWOULDBLOCK;
}

/* Space that was reserved for a header, and not filled in yet, reads as zeros. */
static bool starts_with_zeros(const struct oph__source *source)
{
    static const unsigned char zeros[SIGNATURE];
    unsigned char head[SIGNATURE];

    return oph__source_fetch(source, 0, head, SIGNATURE) == SIGNATURE &&
           memcmp(head, zeros, SIGNATURE) == 0;
}

static enum oph__h5_seen look(struct oph__source *source, char *found, size_t size)
{
    static const char writes[] = "that the IOC still writes this file";
    unsigned char superblock[SUPERBLOCK];
    int fd = source->fd;

    source->swmr = false;
    if (fstat(fd, &source->stat)) {
        oph__copy(found, size, strerror(errno));
        return OPH__H5_BROKEN;
    }
    if (!S_ISREG(source->stat.st_mode)) {
        oph__copy(found, size, S_ISDIR(source->stat.st_mode) ? "a folder" : "no regular file");
        return OPH__H5_BROKEN;
    }
    /* Before the lock is tried: a writer creates the file, then locks it, then fills it. */
    if (source->stat.st_size == 0) {
        oph__format(found, size, "%s: it is empty", writes);
        return OPH__H5_BUSY;
    }
    size_t got = oph__source_fetch(source, 0, superblock, sizeof superblock);
    if (got == 0 && errno) {
        oph__copy(found, size, strerror(errno));
        return OPH__H5_BROKEN;
    }
    source->form = oph__flat_form(superblock, got);
    if (source->form != OPH__FORM_HDF5) return OPH__H5_READY;
    if (!find_superblock(source, superblock)) {
        if (starts_with_zeros(source) || is_locked(fd)) {
            oph__format(found, size, "%s: it has no header yet", writes);
            return OPH__H5_BUSY;
        }
        oph__format(found, size, "%lld bytes that are no HDF5, TIFF or CBF file",
                    (long long)source->stat.st_size);
        return OPH__H5_BROKEN;
    }
    int flags = superblock[VERSION_AT] >= 2 ? superblock[FLAGS_AT] : 0;
    source->swmr = flags & FLAG_SWMR;
    if (source->swmr) return OPH__H5_READY;
    if (is_locked(fd)) {
        oph__format(found, size, "%s: it is locked", writes);
        return OPH__H5_BUSY;
    }
    if (flags & FLAG_WRITING) {
        oph__format(found, size, "%s, or was killed while it did (then h5clear -s repairs it)",
                    writes);
        return OPH__H5_BUSY;
    }
    return OPH__H5_READY;
}

enum oph__h5_seen oph__source_open(struct oph__source *source, char *found, size_t size)
{
    /* O_NONBLOCK: opening a FIFO would wait for ever. */
    source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (source->fd < 0) {
        int cause = errno;
        oph__copy(found, size, cause == ENOENT ? "no such file" : strerror(cause));
        return cause == ENOENT || cause == ESTALE || cause == EINTR ? OPH__H5_ABSENT
                                                                    : OPH__H5_BROKEN;
    }
    enum oph__h5_seen seen = look(source, found, size);
    if (seen != OPH__H5_READY) oph__source_close(source);
    return seen;
}

bool oph__source_is_steady(const struct oph__source *source)
{
    struct stat now;

    return fstat(source->fd, &now) == 0 && now.st_size == source->stat.st_size &&
           now.st_mtim.tv_sec == source->stat.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == source->stat.st_mtim.tv_nsec;
}

bool oph__source_is_closed(const struct oph__source *source)
{
    unsigned char superblock[SUPERBLOCK];

    return find_superblock(source, superblock) &&
           (superblock[FLAGS_AT] & (FLAG_WRITING | FLAG_SWMR)) == 0;
}

void oph__source_close(struct oph__source *source)
{
    if (source->fd >= 0) close(source->fd);
    source->fd = -1;
}
