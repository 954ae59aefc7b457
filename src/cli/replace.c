#include "cli/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool replace_begin(struct replacement *r, const char *file)
{
    size_t size = strlen(file) + 32;
    *r = (struct replacement){.file = file, .part = malloc(size)};
    if (!r->part) return false;
    snprintf(r->part, size, "%s.%ld.part", file, (long)getpid());
    int fd = open(r->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    r->out = fd < 0 ? NULL : fdopen(fd, "wb");
    if (r->out) return true;
    int why = errno;
    if (fd >= 0) {
        close(fd);
        unlink(r->part);
    }
    free(r->part);
    errno = why;
    return false;
}

bool replace_end(struct replacement *r, bool ok)
{
    int why = errno;
    bool good = ok && !fflush(r->out) && !ferror(r->out) && !fsync(fileno(r->out));
    if (ok && !good) why = errno;
    if (fclose(r->out) && good) {
        why = errno;
        good = false;
    }
    if (good && rename(r->part, r->file)) {
        why = errno;
        good = false;
    }
    if (!good) unlink(r->part);
    free(r->part);
    errno = why;
    return good;
}
