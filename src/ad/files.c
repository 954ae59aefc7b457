/* What the user chooses about files: the class text's `files` rows, and the same by calls. */
#include "ad/file_parts.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

int oph__store_get(const oph_device *dev, struct oph__store **ret, oph_error *err)
{
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    *ret = oph__store_of(dev);
    if (*ret) return 0;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                     "a file plugin with a FileStore class", "class %s", dev->cls->name);
}

static void replace(char **at, char *copy)
{
    free(*at);
    *at = copy;
}

/* Sets what is not NULL. */
static int set_templates(oph_device *dev, struct oph__store *s, const char *write, const char *read,
                         oph_error *err)
{
    pthread_mutex_lock(&s->lock);
    bool windows = s->windows;
    pthread_mutex_unlock(&s->lock);
    int rc = write ? oph__template_check(dev->path, write, windows, err) : 0;
    if (!rc && read) rc = oph__template_check(dev->path, read, false, err);
    if (rc) return rc;
    char *w = write ? oph__dup(write) : NULL, *r = read ? oph__dup(read) : NULL;
    if ((write && !w) || (read && !r)) {
        free(w);
        free(r);
        return oph__fail_memory(err, "templates");
    }
    pthread_mutex_lock(&s->lock);
    if (w) replace(&s->write, w);
    if (r) replace(&s->read, r);
    s->alone |= (w ? OPH__SET_WRITE : 0) | (r ? OPH__SET_READ : 0);
    if (s->alone == (OPH__SET_WRITE | OPH__SET_READ)) s->alone = 0;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

/* Both at once: what was set before does not matter. */
static int set_both(oph_device *dev, struct oph__store *s, const char *write, const char *read,
                    oph_error *err)
{
    int rc = read ? 0 : oph__template_check(dev->path, write, false, err); /* it is ours too */
    if (!rc) rc = set_templates(dev, s, write, read, err);
    if (rc) return rc;
    pthread_mutex_lock(&s->lock);
    if (!read) replace(&s->read, NULL);
    s->alone = 0;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

/* Where a row says only how to write, the folder that an earlier one reads from is not ours to
 * guess.
 */
static int check_row(const oph_device *dev, const struct oph__store *s,
                     const struct oph__filesrow *row, oph_error *err)
{
    if (!s->read || row->read) return 0;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                     "both templates changed together",
                     "write=%s alone, where read=%s was said before", row->write, s->read);
}

/* The device is being made: nobody else has it yet. */
int oph__store_files(oph_device *dev, void *data, const struct oph__filesrow *row, oph_error *err)
{
    struct oph__store *s = data;
    int rc = check_row(dev, s, row, err);
    s->windows = row->windows;
    if (!rc) rc = set_both(dev, s, row->write, row->read, err);
    if (!rc && row->naming == OPH__NAMING_FIXED) {
        rc = oph__file_name_check(dev, row->name, s->windows, err);
        if (!rc) rc = oph__store_set_naming(s, OPH_NAME_FIXED, row->name, err);
    }
    if (!rc && row->naming == OPH__NAMING_UUID)
        rc = oph__store_set_naming(s, OPH_NAME_UUID, NULL, err);
    if (!rc && row->naming == OPH__NAMING_COUNTER)
        rc = oph__store_set_naming(s, OPH_NAME_COUNTER, NULL, err);
    if (row->overwrite >= 0) s->overwrite = row->overwrite == 1;
    return rc;
}

/* Templates are set from what a program calls: not while staging. */
static int enter(oph_device *dev, const char *what, struct oph__store **ret, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__store_get(dev, ret, err);
    if (!rc && !what)
        rc =
            oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, "a template", "NULL");
    return rc ? rc : oph__tree_enter(dev, OPH__VERB_FILES, &rule, err);
}

int oph_files_set(oph_device *dev, const char *write, const char *read, oph_error *err)
{
    struct oph__store *s;
    int rc = enter(dev, write, &s, err);
    return rc ? rc : set_both(dev, s, write, read, err);
}

int oph_files_set_write(oph_device *dev, const char *write, oph_error *err)
{
    struct oph__store *s;
    int rc = enter(dev, write, &s, err);
    return rc ? rc : set_templates(dev, s, write, NULL, err);
}

int oph_files_set_read(oph_device *dev, const char *read, oph_error *err)
{
    struct oph__store *s;
    int rc = enter(dev, read, &s, err);
    return rc ? rc : set_templates(dev, s, NULL, read, err);
}

int oph_files_get(oph_device *dev, int32_t side, char *buffer, size_t size, oph_error *err)
{
    struct oph__store *s;
    int rc = oph__store_get(dev, &s, err);
    if (rc) return rc;
    const struct oph__at at = {.device = dev->path};
    if (side != OPH_SIDE_IOC && side != OPH_SIDE_LOCAL)
        return oph__fail(err, OPH_EINVAL, at, "OPH_SIDE_IOC or OPH_SIDE_LOCAL", "%d", (int)side);
    pthread_mutex_lock(&s->lock);
    const char *text = side == OPH_SIDE_LOCAL && s->read ? s->read : s->write;
    if (!text)
        rc = oph__fail(err, OPH_ESTATE, at, "a template", "none: it was not set");
    else if (strlen(text) >= size)
        rc = oph__fail(err, OPH_ERANGE, at, "a shorter template",
                       "%zu characters, where the buffer holds %zu", strlen(text),
                       size ? size - 1 : 0);
    else
        memcpy(buffer, text, strlen(text) + 1);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int oph_files_set_semantics(oph_device *dev, int32_t semantics, oph_error *err)
{
    struct oph__store *s;
    const struct oph__rule *rule;
    int rc = oph__store_get(dev, &s, err);
    if (!rc && semantics != OPH_PATH_POSIX && semantics != OPH_PATH_WINDOWS)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                       "OPH_PATH_POSIX or OPH_PATH_WINDOWS", "%d", (int)semantics);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_FILES, &rule, err);
    if (rc) return rc;
    pthread_mutex_lock(&s->lock);
    s->windows = semantics == OPH_PATH_WINDOWS;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int oph_files_set_overwrite(oph_device *dev, int32_t overwrite, oph_error *err)
{
    struct oph__store *s;
    const struct oph__rule *rule;
    int rc = oph__store_get(dev, &s, err);
    if (!rc && overwrite != 0 && overwrite != 1)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, "1 or 0", "%d",
                       (int)overwrite);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_FILES, &rule, err);
    if (rc) return rc;
    pthread_mutex_lock(&s->lock);
    s->overwrite = overwrite == 1;
    pthread_mutex_unlock(&s->lock);
    return 0;
}
