/* Files that have to lie under a folder of this machine, whatever the IOC says. */
#include "ad/file_parts.h"
#include "base/err.h"
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* With links followed; of a name whose end does not exist yet, the part that does. NULL, and errno:
 * it cannot be told. */
static char *resolve(const char *path)
{
    char part[2 * OPH__PATH_MAX], *slash;
    struct stat st;
    oph__copy(part, sizeof part, path);
    for (;;) {
        char *real = realpath(*part ? part : "/", NULL);
        if (real || errno != ENOENT) return real;
        /* A link to nothing is where a file may appear. */
        if (!lstat(part, &st) || !(slash = strrchr(part, '/'))) break;
        if (oph__equal(slash, "/..")) break;
        *slash = 0;
    }
    errno = ENOENT;
    return NULL;
}

/* Both without links, dots and separators at the end. */
static bool is_below(const char *path, const char *root)
{
    size_t n = strlen(root);
    if (oph__equal(root, "/")) return true;
    return oph__starts(path, root) && (path[n] == '/' || !path[n]);
}

static int root_holds(const char *device, const char *root, const char *path, oph_error *err)
{
    const struct oph__at at = {.device = device};
    char wanted[OPH__PATH_MAX], why[80];
    char *real_root = realpath(root, NULL);
    if (!real_root)
        return oph__fail(err, OPH_EFILE, at, root, "%s", strerror_r(errno, why, sizeof why));
    char *real = resolve(path);
    int cause = real ? 0 : errno;
    int rc = 0;
    oph__format(wanted, sizeof wanted, "a file under %s", root);
    if (!real)
        rc = oph__fail(err, OPH_EFILE, at, wanted, "\"%s\": %s", path,
                       strerror_r(cause, why, sizeof why));
    else if (!is_below(real, real_root))
        rc = oph__fail(err, OPH_EFILE, at, wanted, "\"%s\", which is in \"%s\"", path, real);
    free(real);
    free(real_root);
    return rc;
}

int oph__store_hold(const oph_device *dev, struct oph__store *s, const char *path, oph_error *err)
{
    char root[OPH__PATH_MAX] = "";
    pthread_mutex_lock(&s->lock);
    if (s->root) oph__copy(root, sizeof root, s->root);
    pthread_mutex_unlock(&s->lock);
    return *root ? root_holds(dev->path, root, path, err) : 0;
}

int oph_files_set_root(oph_device *dev, const char *root, oph_error *err)
{
    struct oph__store *s;
    const struct oph__rule *rule;
    int rc = oph__store_get(dev, &s, err);
    bool possible = !root || (*root == '/' && oph__is_clean(root) && strlen(root) < OPH__PATH_MAX);
    if (!rc && !possible)
        rc = oph__fail(err, OPH_EPARSE, (struct oph__at){.device = dev->path},
                       "a folder such as /data/", "\"%s\"", root);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_FILES, &rule, err);
    if (rc) return rc;
    char *copy = root ? oph__dup(root) : NULL;
    if (root && !copy) return oph__fail_memory(err, "a folder");
    pthread_mutex_lock(&s->lock);
    char *former = s->root;
    s->root = copy;
    pthread_mutex_unlock(&s->lock);
    free(former);
    return 0;
}
