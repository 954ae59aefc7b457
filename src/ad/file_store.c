/* The hook: the folders and the name of a stage. */
#include "ad/file_parts.h"
#include "ad/image_key.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <stdlib.h>

static void *create(oph_device *dev, oph_error *err)
{
    (void)dev;
    struct oph__store *s = calloc(1, sizeof *s);
    if (s && !pthread_mutex_init(&s->lock, NULL)) return s;
    free(s);
    oph__fail_memory(err, "a file store");
    return NULL;
}

static void destroy(void *data)
{
    struct oph__store *s = data;
    pthread_mutex_destroy(&s->lock);
    free(s->write);
    free(s->read);
    free(s->text);
    free(s->root);
    free(s);
}

static const char *const needed[] = {"file_path_exists", "full_file_name",
                                     "num_captured",     "num_capture",
                                     "file_write_mode",  "capture",
                                     "write_status",     "write_message",
                                     "file_path",        "file_name",
                                     "file_number",      "file_template",
                                     "auto_increment",   "auto_save",
                                     "enable",           "nd_array_port",
                                     "port_name",        "dropped_arrays",
                                     "array_counter",    "min_callback_time",
                                     "array_size.width", NULL};

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

/* Templates that do not name one folder any more would have files looked for where they are not. */
static int check_pair(const oph_device *dev, struct oph__store *s, oph_error *err)
{
    const struct oph__at at = {.device = dev->path};
    if (!s->write)
        return oph__fail(err, OPH_EINVAL, at, "templates of the folder to write to",
                         "%s: set them with oph_files_set", s->read ? "only one to read" : "none");
    if (!s->read) return oph__template_check(dev->path, s->write, false, err); /* it is ours too */
    if (!s->alone) return 0;
    bool write = s->alone == OPH__SET_WRITE;
    return oph__fail(err, OPH_EINVAL, at, "both templates changed together",
                     "only the %s template, to \"%s\": set the %s template too, be it to the same",
                     write ? "write" : "read", write ? s->write : s->read,
                     write ? "read" : "write");
}

/* All paths of a stage from one instant: one at midnight must not split them. */
static int expand(oph_device *dev, struct oph__store *s, const struct oph__plan *plan,
                  oph_error *err)
{
    struct oph__files *next = &s->next;
    struct tm when;
    localtime_r(&plan->when, &when);
    pthread_mutex_lock(&s->lock);
    *next = (struct oph__files){0};
    if (!plan->dry) s->file[0] = 0;
    int rc = check_pair(dev, s, err);
    if (!rc)
        rc = oph__template_expand(dev->path, s->write, &when, s->windows, next->write_dir,
                                  sizeof next->write_dir, err);
    if (!rc && !s->read)
        oph__copy(next->read_dir, sizeof next->read_dir, next->write_dir);
    else if (!rc)
        rc = oph__template_expand(dev->path, s->read, &when, false, next->read_dir,
                                  sizeof next->read_dir, err);
    if (!rc && !plan->dry) s->alone = 0;
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
    struct oph__store *s = data;
    const struct oph__files *next = &s->next;
    int rc = expand(dev, s, plan, err);
    if (!rc) rc = oph__store_make_name(dev, s, err);
    if (!rc) rc = plan_create_directory(plan, dev, err);
    if (!rc) rc = add_text(plan, dev, "file_path", next->write_dir, err);
    if (!rc && next->made[0]) rc = add_text(plan, dev, "file_name", next->made, err);
    if (!rc && next->naming != OPH_NAME_COUNTER)
        rc = oph__plan_add(plan, dev, "file_number", &zero, err);
    if (!rc) rc = oph__store_ask(dev, plan, err);
    if (!rc) rc = oph__plan_ask(plan, dev, "file_path_exists", OPH__ONCE_WRITTEN, err);
    return rc;
}

static int ready(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err)
{
    const struct oph__store *s = data;
    const struct oph__read *read =
        oph__plan_answer(plan, dev, "file_path_exists", OPH__ONCE_WRITTEN);
    int64_t exists = 0;
    if (read->rc && err) *err = read->error;
    if (read->rc) return read->rc;
    if (oph__value_int(&read->set, &exists) && exists) return 0;
    return oph__fail(err, OPH_EFILE, oph__pv_at(read->sig->set), s->latest.write_dir,
                     "no such folder at the IOC, which could not create it either");
}

static void explain(oph_device *dev, void *data, oph_error *err)
{
    (void)data;
    char message[300];
    int64_t failed = 0;
    oph_get_int(dev, "write_status", &failed, NULL);
    if (oph_get_text(dev, "write_message", message, sizeof message, NULL)) return;
    oph__fail(err, err->code, oph__error_at(err), err->wanted,
              "%s (WriteStatus %s, WriteMessage \"%s\")", oph__error_found(err),
              failed ? "Write error" : "Write OK", message);
}

const struct oph__hook_ops oph__file_store = {
    .name = "file_store",
    .create = create,
    .destroy = destroy,
    .files = oph__store_files,
    .needs = needs,
    .plan = plan,
    .check = oph__store_check,
    .ready = ready,
    .explain = explain,
    .describe = oph__image_key,
};

struct oph__store *oph__store_of(const oph_device *dev)
{
    return oph__hook_data(dev, &oph__file_store);
}
