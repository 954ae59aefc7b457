#include "ad/file_store.h"
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
static int expand(oph_device *dev, struct store *s, bool dry, char dir[OPH__PATH_MAX],
                  oph_error *err)
{
    char read_dir[OPH__PATH_MAX];
    time_t now = time(NULL);
    struct tm when;
    localtime_r(&now, &when);
    pthread_mutex_lock(&s->lock);
    int rc = 0;
    if (!s->write)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                       "templates of the folder to write to", "none: set them with oph_files_set");
    if (!rc)
        rc = oph__template_expand(dev->path, s->write, &when, s->windows, dir, OPH__PATH_MAX, err);
    if (!rc)
        rc = oph__template_expand(dev->path, s->read, &when, false, read_dir, sizeof read_dir, err);
    if (!dry) s->file[0] = 0;
    if (!dry && !rc) {
        oph__copy(s->write_dir, sizeof s->write_dir, dir);
        oph__copy(s->read_dir, sizeof s->read_dir, read_dir);
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int add_text(struct oph__plan *plan, oph_device *dev, const char *key, const char *text,
                    oph_error *err)
{
    const struct oph__literal value = {.kind = OPH__LIT_TEXT, .text = text};
    return oph__plan_add(plan, dev, key, &value, err);
}

static bool has(oph_device *dev, const char *key)
{
    oph_signal *sig;
    return !oph_signal_find(dev, key, &sig, NULL) && !sig->set->absent;
}

/* The user's number of folders to create stands; 0 would leave a new day's folder missing. */
static int plan_create_directory(struct oph__plan *plan, oph_device *dev, oph_error *err)
{
    static const struct oph__literal levels = {.kind = OPH__LIT_INT, .i = -5, .text = "-5"};
    if (!has(dev, "create_directory")) return 0;
    return oph__plan_add_where_zero(plan, dev, "create_directory", &levels, err);
}

static int plan(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err)
{
    static const struct oph__literal zero = {.kind = OPH__LIT_INT, .text = "0"};
    char dir[OPH__PATH_MAX], name[OPH__UUID_NAME];
    int rc = expand(dev, data, plan->dry, dir, err);
    if (!rc) rc = plan_create_directory(plan, dev, err);
    oph__uuid_name(name);
    if (!rc) rc = add_text(plan, dev, "file_path", dir, err);
    if (!rc) rc = add_text(plan, dev, "file_name", name, err);
    if (!rc) rc = oph__plan_add(plan, dev, "file_number", &zero, err);
    if (!rc) rc = oph__plan_ask(plan, dev, "array_size.width", OPH__WITH_ORIGINALS, err);
    if (!rc && has(dev, "lazy_open"))
        rc = oph__plan_ask(plan, dev, "lazy_open", OPH__WITH_ORIGINALS, err);
    if (!rc) rc = oph__plan_ask(plan, dev, "file_path_exists", OPH__ONCE_WRITTEN, err);
    return rc;
}

/* What LazyOpen will be when Capture is started. */
static int lazy_open(oph_device *dev, const struct oph__plan *plan, bool *ret, oph_error *err)
{
    const struct oph__item *item = oph__plan_find(plan, dev, "lazy_open");
    int64_t on = 0;
    int rc = 0;
    if (item)
        on = *(const uint16_t *)item->wire.data;
    else if (has(dev, "lazy_open"))
        rc = oph__plan_answer(plan, dev, "lazy_open", OPH__WITH_ORIGINALS, &on, err);
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
    if (!plan->dry) keep_name(data, dev, plan);
    const struct oph__item *capture = oph__plan_find(plan, dev, "capture");
    if (!capture || !oph__item_starts(capture)) return 0;
    int64_t width = 0;
    bool lazy;
    const struct oph__at at = {.device = capture->sig->path, .pv = capture->sig->read->name};
    int rc = lazy_open(dev, plan, &lazy, err);
    if (!rc && !lazy)
        rc = oph__plan_answer(plan, dev, "array_size.width", OPH__WITH_ORIGINALS, &width, err);
    if (rc || lazy || width > 0) return rc;
    return oph__fail(err, OPH_EUNPRIMED, at, "a plugin that has seen a frame",
                     "none since the IOC started, and LazyOpen is off: call oph_warmup, or stage "
                     "lazy_open=1");
}

static int ready(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err)
{
    const struct store *s = data;
    oph_signal *sig;
    int64_t exists = 0;
    int rc = oph__plan_answer(plan, dev, "file_path_exists", OPH__ONCE_WRITTEN, &exists, err);
    if (!rc && !exists) rc = oph_signal_find(dev, "file_path_exists", &sig, err);
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
