/* The hook: the folders and the name of a stage. */
#include "ad/file_parts.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <cophyd/detector.h>
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

/* Both paths from one instant: a stage at midnight must not split them. */
static int expand(oph_device *dev, struct oph__store *s, oph_error *err)
{
    time_t now = time(NULL);
    struct tm when;
    localtime_r(&now, &when);
    pthread_mutex_lock(&s->lock);
    int rc = check_pair(dev, s, err);
    if (!rc)
        rc = oph__template_expand(dev->path, s->write, &when, s->windows, s->write_dir,
                                  sizeof s->write_dir, err);
    if (!rc && !s->read)
        oph__copy(s->read_dir, sizeof s->read_dir, s->write_dir);
    else if (!rc)
        rc = oph__template_expand(dev->path, s->read, &when, false, s->read_dir, sizeof s->read_dir,
                                  err);
    if (!rc) s->alone = 0;
    s->file[0] = 0;
    s->writing = OPH__WRITES_NOTHING;
    s->points = s->frames = s->first_number = 0;
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
    struct oph__store *s = data;
    int rc = expand(dev, s, err);
    if (!rc) rc = oph__store_make_name(dev, s, err);
    if (!rc) rc = plan_create_directory(plan, dev, err);
    if (!rc) rc = add_text(plan, dev, "file_path", s->write_dir, err);
    if (!rc && s->made[0]) rc = add_text(plan, dev, "file_name", s->made, err);
    if (!rc && s->staged_naming != OPH_NAME_COUNTER) rc = add_int(plan, dev, "file_number", 0, err);
    return rc;
}

static int ready(oph_device *dev, void *data, oph_error *err)
{
    const struct oph__store *s = data;
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
};

struct oph__store *oph__store_of(const oph_device *dev)
{
    return oph__hook_data(dev, &oph__file_store);
}
