#include "ad/file_store.h"
#include "ad/image_key.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include "core/device.h"
#include "core/plan.h"
#include <cophyd/detector.h>
#include <stdlib.h>
#include <string.h>

struct store {
    pthread_mutex_t lock; /* of all below: templates may be set from any thread */
    char *write, *read;   /* templates; NULL until set */
    bool windows;
    char write_dir[OPH__PATH_MAX], read_dir[OPH__PATH_MAX]; /* of the latest stage */
    char file[OPH__PATH_MAX];                               /* as the IOC names it */
    char name[OPH__PATH_MAX]; /* a part of that: FileName as staged; or "" */
    bool fresh;               /* nothing was acquired since Capture was staged */
};

static void *create(oph_device *dev, oph_error *err)
{
    (void)dev;
    struct store *s = calloc(1, sizeof *s);
    if (s && !pthread_mutex_init(&s->lock, NULL)) return s;
    free(s);
    oph__fail_memory(err, "a file store");
    return NULL;
}

static void destroy(void *data)
{
    struct store *s = data;
    pthread_mutex_destroy(&s->lock);
    free(s->write);
    free(s->read);
    free(s);
}

static int set_templates(oph_device *dev, struct store *s, const char *write, const char *read,
                         bool windows, oph_error *err)
{
    if (!read) read = write;
    int rc = oph__template_check(dev->path, write, windows, err);
    if (!rc) rc = oph__template_check(dev->path, read, false, err);
    if (rc) return rc;
    char *w = oph__dup(write), *r = oph__dup(read);
    if (!w || !r) {
        free(w);
        free(r);
        return oph__fail_memory(err, "templates");
    }
    pthread_mutex_lock(&s->lock);
    free(s->write);
    free(s->read);
    s->write = w;
    s->read = r;
    s->windows = windows;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static int files(oph_device *dev, void *data, const struct oph__filesrow *row, oph_error *err)
{
    return set_templates(dev, data, row->write, row->read, row->windows, err);
}

static const char *const needed[] = {"file_path_exists",
                                     "full_file_name",
                                     "num_captured",
                                     "num_capture",
                                     "file_write_mode",
                                     "capture",
                                     "write_status",
                                     "write_message",
                                     "file_path",
                                     "file_name",
                                     "file_number",
                                     "enable",
                                     "nd_array_port",
                                     "port_name",
                                     "dropped_arrays",
                                     "array_counter",
                                     "min_callback_time",
                                     "array_size.width",
                                     NULL};

static int needs(oph_device *dev, void *data, struct oph__needs *list, oph_error *err)
{
    (void)data;
    int rc = 0;
    for (const char *const *name = needed; !rc && *name; name++)
        rc = oph__need(list, dev, *name, true, err);
    if (!rc) rc = oph__need(list, dev, "create_directory", false, err);
    if (!rc) rc = oph__need(list, dev, "lazy_open", false, err);
    return rc;
}

/* Both paths from one instant: a stage at midnight must not split them. */
static int expand(oph_device *dev, struct store *s, oph_error *err)
{
    time_t now = time(NULL);
    struct tm when;
    localtime_r(&now, &when);
    pthread_mutex_lock(&s->lock);
    int rc = 0;
    if (!s->write)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                       "templates of the folder to write to", "none: set them with oph_files_set");
    if (!rc)
        rc = oph__template_expand(dev->path, s->write, &when, s->windows, s->write_dir,
                                  sizeof s->write_dir, err);
    if (!rc)
        rc = oph__template_expand(dev->path, s->read, &when, false, s->read_dir, sizeof s->read_dir,
                                  err);
    s->file[0] = 0;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int add_text(struct oph__plan *plan, oph_device *dev, const char *key, const char *text,
                    oph_error *err)
{
    const struct oph__literal value = {.kind = OPH__LIT_TEXT, .text = text};
    return oph__plan_add(plan, dev, key, &value, err);
}

static int add_int(struct oph__plan *plan, oph_device *dev, const char *key, int64_t i,
                   oph_error *err)
{
    char text[32];
    oph__format(text, sizeof text, "%lld", (long long)i);
    const struct oph__literal value = {.kind = OPH__LIT_INT, .i = i, .text = text};
    return oph__plan_add(plan, dev, key, &value, err);
}

/* The user's number of folders to create stands; 0 would leave a new day's folder missing. */
static int plan_create_directory(struct oph__plan *plan, oph_device *dev, oph_error *err)
{
    oph_signal *sig;
    int64_t levels;
    if (oph_signal_find(dev, "create_directory", &sig, NULL) || sig->set->absent) return 0;
    int rc = oph_signal_get_int(sig, &levels, err);
    if (!rc && levels == 0) rc = add_int(plan, dev, "create_directory", -5, err);
    return rc;
}

static int plan(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err)
{
    struct store *s = data;
    char name[OPH__UUID_NAME];
    int rc = expand(dev, s, err);
    if (!rc) rc = plan_create_directory(plan, dev, err);
    oph__uuid_name(name);
    if (!rc) rc = add_text(plan, dev, "file_path", s->write_dir, err);
    if (!rc) rc = add_text(plan, dev, "file_name", name, err);
    if (!rc) rc = add_int(plan, dev, "file_number", 0, err);
    return rc;
}

/* What LazyOpen will be when Capture is started. */
static int lazy_open(oph_device *dev, const struct oph__plan *plan, bool *ret, oph_error *err)
{
    const struct oph__item *item = oph__plan_find(plan, dev, "lazy_open");
    oph_signal *sig;
    int64_t on = 0;
    int rc = 0;
    *ret = false;
    if (item) {
        on = *(const uint16_t *)item->wire.data;
    } else if (!oph_signal_find(dev, "lazy_open", &sig, NULL) && !sig->set->absent) {
        rc = oph_signal_get_int(sig, &on, err);
    }
    *ret = on != 0;
    return rc;
}

/* A template names the folder first, then the file. */
static void keep_name(struct store *s, const oph_device *dev, const struct oph__plan *plan)
{
    const struct oph__item *name = oph__plan_find(plan, dev, "file_name");
    const struct oph__item *template = oph__plan_find(plan, dev, "file_template");
    const char *folder = template ? strstr(template->value.text, "%s") : NULL;
    bool named = name && folder && strstr(folder + 2, "%s");
    pthread_mutex_lock(&s->lock);
    oph__copy(s->name, sizeof s->name, named ? name->value.text : "");
    s->fresh = true;
    pthread_mutex_unlock(&s->lock);
}

static int check(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err)
{
    keep_name(data, dev, plan);
    const struct oph__item *capture = oph__plan_find(plan, dev, "capture");
    if (!capture || !oph__item_starts(capture)) return 0;
    int64_t running = 0, width = 0;
    bool lazy;
    oph__value_int(&capture->read, &running);
    const struct oph__at at = {.device = capture->sig->path, .pv = capture->sig->read->name};
    if (running)
        return oph__fail(err, OPH_EBUSY, at, "Done",
                         "a capture that runs already: stop it first (put 0 to it)");
    int rc = lazy_open(dev, plan, &lazy, err);
    if (!rc && !lazy) rc = oph_get_int(dev, "array_size.width", &width, err);
    if (rc || lazy || width > 0) return rc;
    return oph__fail(err, OPH_EUNPRIMED, at, "a plugin that has seen a frame",
                     "none since the IOC started, and LazyOpen is off: call oph_warmup, or stage "
                     "lazy_open=1");
}

static int ready(oph_device *dev, void *data, oph_error *err)
{
    const struct store *s = data;
    oph_signal *sig;
    int64_t exists = 0;
    int rc = oph_signal_find(dev, "file_path_exists", &sig, err);
    if (!rc) rc = oph_signal_get_int(sig, &exists, err);
    if (rc || exists) return rc;
    return oph__fail(err, OPH_EFILE, (struct oph__at){.device = sig->path, .pv = sig->set->name},
                     s->write_dir, "no such folder at the IOC, which could not create it either");
}

static void explain(oph_device *dev, void *data, oph_error *err)
{
    (void)data;
    char message[300], found[sizeof err->found];
    int64_t failed = 0;
    oph_get_int(dev, "write_status", &failed, NULL);
    if (oph_get_text(dev, "write_message", message, sizeof message, NULL)) return;
    oph__format(found, sizeof found, "%s (WriteStatus %s, WriteMessage \"%s\")", err->found,
                failed ? "Write error" : "Write OK", message);
    const oph_error was = *err;
    oph__fail(err, was.code,
              (struct oph__at){.device = was.device, .pv = was.pv, .waited = was.waited},
              was.wanted, "%s", found);
}

const struct oph__hook_ops oph__hdf5_file_store = {
    .name = "hdf5_file_store",
    .create = create,
    .destroy = destroy,
    .files = files,
    .needs = needs,
    .plan = plan,
    .check = check,
    .ready = ready,
    .explain = explain,
    .describe = oph__image_key,
};

static int store_of(oph_device *dev, struct store **ret, oph_error *err)
{
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    *ret = oph__hook_data(dev, &oph__hdf5_file_store);
    if (*ret) return 0;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                     "a file plugin with a FileStore class", "class %s", dev->cls->name);
}

void oph__store_note_file(oph_device *dev, const char *full_name)
{
    struct store *s = oph__hook_data(dev, &oph__hdf5_file_store);
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    oph__copy(s->file, sizeof s->file, full_name);
    pthread_mutex_unlock(&s->lock);
}

bool oph__store_is_ours(oph_device *dev, const char *full_name)
{
    struct store *s = oph__hook_data(dev, &oph__hdf5_file_store);
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    bool ours = strstr(full_name, s->name) != NULL;
    pthread_mutex_unlock(&s->lock);
    return ours;
}

bool oph__store_is_fresh(oph_device *dev)
{
    struct store *s = oph__hook_data(dev, &oph__hdf5_file_store);
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    bool fresh = s->fresh;
    pthread_mutex_unlock(&s->lock);
    return fresh;
}

void oph__store_begin(oph_device *dev)
{
    struct store *s = oph__hook_data(dev, &oph__hdf5_file_store);
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->fresh = false;
    pthread_mutex_unlock(&s->lock);
}

int oph_files_set(oph_device *dev, const char *write, const char *read, oph_error *err)
{
    struct store *s;
    const struct oph__rule *rule;
    int rc = store_of(dev, &s, err);
    if (!rc && !write)
        rc =
            oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, "a template", "NULL");
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_FILES, &rule, err);
    return rc ? rc : set_templates(dev, s, write, read, s->windows, err);
}

int oph_files_set_semantics(oph_device *dev, int32_t semantics, oph_error *err)
{
    struct store *s;
    int rc = store_of(dev, &s, err);
    if (rc) return rc;
    if (semantics != OPH_PATH_POSIX && semantics != OPH_PATH_WINDOWS)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "OPH_PATH_POSIX or OPH_PATH_WINDOWS", "%d", (int)semantics);
    pthread_mutex_lock(&s->lock);
    s->windows = semantics == OPH_PATH_WINDOWS;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int oph_file_name(oph_device *dev, int32_t side, char *buffer, size_t size, oph_error *err)
{
    struct store *s;
    int rc = store_of(dev, &s, err);
    if (rc) return rc;
    const struct oph__at at = {.device = dev->path};
    pthread_mutex_lock(&s->lock);
    if (!s->file[0])
        rc = oph__fail(err, OPH_ESTATE, at, "the file of an acquisition",
                       "none: no acquisition has succeeded since it was staged");
    else if (side == OPH_SIDE_LOCAL)
        rc = oph__path_to_local(dev->path, s->file, s->write_dir, s->read_dir, s->windows, buffer,
                                size, err);
    else if (side != OPH_SIDE_IOC)
        rc = oph__fail(err, OPH_EINVAL, at, "OPH_SIDE_IOC or OPH_SIDE_LOCAL", "%d", (int)side);
    else if (strlen(s->file) >= size)
        rc = oph__fail(err, OPH_ERANGE, at, "a shorter name",
                       "%zu characters, where the buffer holds %zu", strlen(s->file),
                       size ? size - 1 : 0);
    else
        memcpy(buffer, s->file, strlen(s->file) + 1);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
