#include "cli/replace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A link is left here where it leads to what has no name, as a pipe in /dev/fd, or nowhere. */
static bool is_to_be_replaced(const char *file)
{
    struct stat there;
    return lstat(file, &there) != 0 || S_ISREG(there.st_mode);
}

static void forget(struct replacement *r)
{
    int why = errno;
    free(r->part);
    free(r->file);
    errno = why;
}

bool replace_begin(struct replacement *r, const char *file)
{
    *r = (struct replacement){.file = realpath(file, NULL)};
    if (!r->file) r->file = strdup(file); /* not there yet */
    if (!r->file) return false;
    if (!is_to_be_replaced(r->file))
        r->out = fopen(r->file, "wbe");
    else if (asprintf(&r->part, "%s.%ld.part", r->file, (long)getpid()) < 0)
        r->part = NULL;
    else
        r->out = fopen(r->part, "wbxe");
    if (!r->out) forget(r);
    return r->out != NULL;
}

bool replace_end(struct replacement *r, bool ok)
{
    int why = errno;
    bool good = ok && !fflush(r->out) && !ferror(r->out);
    if (good && r->part) good = fsync(fileno(r->out)) == 0;
    if (ok && !good) why = errno;
    if (fclose(r->out) && good) {
        why = errno;
        good = false;
    }
    if (good && r->part && rename(r->part, r->file)) {
        why = errno;
        good = false;
    }
    if (!good && r->part) unlink(r->part);
    errno = why;
    forget(r);
    return good;
}
