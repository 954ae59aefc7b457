/* What a file is called: the policies. */
#include "ad/file_parts.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

int oph__file_name_check(const oph_device *dev, const char *text, bool windows, oph_error *err)
{
    const struct oph__at at = {.device = dev->path};
    const char *wanted = "a file name without folders";
    size_t length = strlen(text);
    if (!length) return oph__fail(err, OPH_EINVAL, at, wanted, "an empty text");
    if (length >= OPH__NAME_MAX)
        return oph__fail(err, OPH_ERANGE, at, "a file name of at most 255 bytes", "%zu of them",
                         length);
    if (strpbrk(text, windows ? "/\\:" : "/"))
        return oph__fail(err, OPH_EINVAL, at, wanted, "\"%s\"", text);
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return oph__fail(err, OPH_EINVAL, at, wanted, "a control character in \"%s\"", text);
    }
    return 0;
}

/* The user's function, on this thread and with no lock held. */
static int call(oph_device *dev, oph_file_name_fn *fn, void *user, bool windows,
                char made[OPH__NAME_MAX], oph_error *err)
{
    memset(made, 0, OPH__NAME_MAX);
    int32_t said = fn(user, dev, made, OPH__NAME_MAX);
    if (said)
        return oph__fail(err, OPH_ECANCEL, (struct oph__at){.device = dev->path}, "a file name",
                         "%d from the function that makes it", (int)said);
    made[OPH__NAME_MAX - 1] = 0;
    return oph__file_name_check(dev, made, windows, err);
}

int oph__store_make_name(oph_device *dev, struct oph__store *s, oph_error *err)
{
    char made[OPH__NAME_MAX] = "";
    pthread_mutex_lock(&s->lock);
    int32_t naming = s->naming;
    oph_file_name_fn *fn = s->fn;
    void *user = s->user;
    bool windows = s->windows;
    if (s->text) oph__copy(made, sizeof made, s->text);
    pthread_mutex_unlock(&s->lock);
    int rc = 0;
    if (naming == OPH_NAME_UUID) oph__uuid_name(made);
    if (naming == OPH_NAME_FUNCTION) rc = call(dev, fn, user, windows, made, err);
    if (rc) return rc;
    pthread_mutex_lock(&s->lock);
    s->next.naming = naming;
    oph__copy(s->next.made, sizeof s->next.made, made);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int oph__store_set_naming(struct oph__store *s, int32_t naming, const char *text, oph_error *err)
{
    char *copy = text ? oph__dup(text) : NULL;
    if (text && !copy) return oph__fail_memory(err, "a file name");
    pthread_mutex_lock(&s->lock);
    free(s->text);
    s->text = copy;
    s->naming = naming;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int oph_files_set_name(oph_device *dev, int32_t naming, const char *text, oph_error *err)
{
    struct oph__store *s;
    const struct oph__rule *rule;
    int rc = oph__store_get(dev, &s, err);
    if (rc) return rc;
    const struct oph__at at = {.device = dev->path};
    if (naming != OPH_NAME_UUID && naming != OPH_NAME_FIXED && naming != OPH_NAME_COUNTER)
        return oph__fail(err, OPH_EINVAL, at, "OPH_NAME_UUID, _FIXED or _COUNTER", "%d",
                         (int)naming);
    if (naming == OPH_NAME_FIXED && !text)
        return oph__fail(err, OPH_EINVAL, at, "a file name", "NULL");
    if (naming == OPH_NAME_UUID && text)
        return oph__fail(err, OPH_EINVAL, at, "NULL, since each UUID is new", "\"%s\"", text);
    pthread_mutex_lock(&s->lock);
    bool windows = s->windows;
    pthread_mutex_unlock(&s->lock);
    if (text) rc = oph__file_name_check(dev, text, windows, err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_FILES, &rule, err);
    return rc ? rc : oph__store_set_naming(s, naming, text, err);
}

int oph_files_set_name_function(oph_device *dev, oph_file_name_fn *fn, void *user, oph_error *err)
{
    struct oph__store *s;
    const struct oph__rule *rule;
    int rc = oph__store_get(dev, &s, err);
    if (!rc && !fn)
        rc =
            oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, "a function", "NULL");
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_FILES, &rule, err);
    if (rc) return rc;
    pthread_mutex_lock(&s->lock);
    free(s->text);
    s->text = NULL;
    s->naming = OPH_NAME_FUNCTION;
    s->fn = fn;
    s->user = user;
    pthread_mutex_unlock(&s->lock);
    return 0;
}
