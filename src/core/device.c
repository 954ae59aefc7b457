#include "core/device.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/subscription.h"
#include <cophyd/stage.h>
#include <stdlib.h>
#include <string.h>

static void free_hooks(oph_device *dev)
{
    for (size_t i = 0; i < dev->hooks.count; i++) {
        struct oph__hook *hook = dev->hooks.at[i];
        hook->ops->destroy(hook->data);
        free(hook);
    }
    oph__vec_free(&dev->hooks);
}

static void destroy(oph_device *dev)
{
    for (size_t i = 0; i < dev->children.count; i++)
        destroy(dev->children.at[i]);
    oph__vec_free(&dev->children);
    free_hooks(dev);
    for (size_t i = 0; i < dev->signals.count; i++)
        oph__signal_free(dev->signals.at[i]);
    oph__vec_free(&dev->signals);
    oph__map_free(&dev->by_attr);
    oph__settings_free(&dev->settings);
    if (!dev->parent && dev->tree) {
        oph_status_unref(dev->tree->status);
        oph_status_unref(dev->tree->series.status);
        oph__monitor_destroy(&dev->tree->m);
        free(dev->tree);
    }
    free(dev->expression);
    free(dev->attr);
    free(dev->name);
    free(dev->path);
    free(dev->prefix);
    free(dev);
}

static int make_tree(oph_device *dev, oph_error *err)
{
    struct oph__tree *tree = calloc(1, sizeof *tree);
    if (!tree || oph__monitor_init(&tree->m)) {
        free(tree);
        return oph__fail_memory(err, "a device");
    }
    dev->tree = tree;
    return 0;
}

static int add_hooks(oph_device *dev, oph_error *err)
{
    if (dev->cls->trigger)
        dev->trigger = oph__trigger_named(dev->ctx->behaviours, dev->cls->trigger);
    for (size_t i = 0; i < dev->cls->hooks.count; i++) {
        struct oph__hook *hook = calloc(1, sizeof *hook);
        if (!hook) return oph__fail_memory(err, "a device");
        hook->ops = oph__hook_named(dev->ctx->behaviours, dev->cls->hooks.at[i]);
        hook->data = hook->ops->create(dev, err);
        if (!hook->data) {
            free(hook);
            return OPH_ENOMEM;
        }
        if (!oph__vec_add(&dev->hooks, hook)) {
            hook->ops->destroy(hook->data);
            free(hook);
            return oph__fail_memory(err, "a device");
        }
    }
    return 0;
}

static int create(oph_context *ctx, oph_device *parent, const char *expression, const char *attr,
                  const char *prefix, oph_device **ret, oph_error *err);

static int add_children(oph_device *dev, oph_error *err)
{
    for (size_t i = 0; i < dev->cls->devs.count; i++) {
        const struct oph__devrow *row = dev->cls->devs.at[i];
        char *prefix = oph__dupf("%s%s", dev->prefix, row->suffix);
        if (!prefix) return oph__fail_memory(err, "a device");
        oph_device *child;
        int rc = create(dev->ctx, dev, row->classes, row->attr, prefix, &child, err);
        free(prefix);
        if (rc) return rc;
        if (!oph__vec_add(&dev->children, child)) {
            destroy(child);
            return oph__fail_memory(err, "a device");
        }
    }
    return 0;
}

/* Folders that no hook takes would be believed to be where the frames go. */
static int give_files(oph_device *dev, const struct oph__filesrow *row, oph_error *err)
{
    oph_error one = OPH_ERROR_INIT;
    bool taken = false;
    int rc = 0;
    for (size_t i = 0; !rc && i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (!hook->ops->files) continue;
        taken = true;
        rc = hook->ops->files(dev, hook->data, row, &one);
    }
    if (!taken)
        rc = oph__fail(&one, OPH_EPARSE, (struct oph__at){.device = dev->path},
                       "a class with a file store", "%s", dev->expression);
    if (!rc) return 0;
    return oph__fail(err, rc, oph__error_at(&one), one.wanted, "%s, for the folders at %s:%d",
                     oph__error_found(&one), row->origin, row->line);
}

/* The class's `stage` words and `files` rows, for the device itself and for its children. */
static int add_defaults(oph_device *dev, oph_error *err)
{
    for (size_t i = 0; i < dev->cls->stage.count; i++) {
        const struct oph__stageword *word = dev->cls->stage.at[i];
        oph_device *at = dev;
        int rc = word->child[0] ? oph_device_child(dev, word->child, &at, err) : 0;
        if (!rc) rc = oph__settings_put(&at->settings, word->key, &word->value, err);
        if (rc) return rc;
    }
    for (size_t i = 0; i < dev->cls->files.count; i++) {
        const struct oph__filesrow *row = dev->cls->files.at[i];
        oph_device *at = dev;
        int rc = row->child[0] ? oph_device_child(dev, row->child, &at, err) : 0;
        if (!rc) rc = give_files(at, row, err);
        if (rc) return rc;
    }
    return 0;
}

static int name_it(oph_device *dev, const char *expression, const char *attr, const char *prefix,
                   oph_error *err)
{
    const oph_device *up = dev->parent;
    dev->expression = oph__dup(expression);
    dev->attr = oph__dup(attr);
    dev->name = up ? oph__dupf("%s_%s", up->name, attr) : oph__dup(attr);
    dev->path = up ? oph__dupf("%s.%s", up->path, attr) : oph__dup(attr);
    dev->prefix = oph__dup(prefix);
    if (!dev->expression || !dev->attr || !dev->name || !dev->path || !dev->prefix)
        return oph__fail_memory(err, "a device");
    return 0;
}

static int create(oph_context *ctx, oph_device *parent, const char *expression, const char *attr,
                  const char *prefix, oph_device **ret, oph_error *err)
{
    const struct oph__class *cls;
    int rc = oph__classes_get(ctx->classes, expression, 0, &cls, err);
    if (rc) return rc;
    oph_device *dev = calloc(1, sizeof *dev);
    if (!dev) return oph__fail_memory(err, "a device");
    dev->ctx = ctx;
    dev->parent = parent;
    dev->cls = cls;
    if (parent)
        dev->tree = parent->tree;
    else
        rc = make_tree(dev, err);
    if (!rc) rc = name_it(dev, expression, attr, prefix, err);
    if (!rc) rc = add_hooks(dev, err);
    if (!rc) rc = add_children(dev, err);
    if (!rc) rc = add_defaults(dev, err);
    if (rc) {
        destroy(dev);
        return rc;
    }
    *ret = dev;
    return 0;
}

int oph_device_new(oph_context *ctx, const char *class_name, const char *prefix, const char *name,
                   oph_device **ret, oph_error *err)
{
    if (!class_name || !prefix || !name || !name[0])
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_device_new: wanted a class, a PV prefix and a name, found %s",
                              !class_name ? "no class"
                              : !prefix   ? "no prefix"
                                          : "no name");
    int rc = oph__context_check(ctx, err);
    if (!rc) rc = create(ctx, NULL, class_name, name, prefix, ret, err);
    if (!rc) oph__context_ref(ctx);
    return rc;
}

/* The device of the tree that stage was called on; NULL when none is staged. */
static oph_device *staged_of(const oph_device *dev)
{
    pthread_mutex_lock(&dev->tree->m.lock);
    oph_device *staged = dev->tree->staged;
    pthread_mutex_unlock(&dev->tree->m.lock);
    return staged;
}

void oph_device_free(oph_device *dev)
{
    if (!dev || dev->parent) return;
    oph_context *ctx = dev->ctx;
    if (!oph__is_alive(&ctx->alive))
        return; /* its threads are the parent's: leak rather than hang */
    oph__subscriptions_end(dev);
    oph__groups_end(dev);
    oph_device *staged = staged_of(dev);
    oph_error err = OPH_ERROR_INIT;
    if (staged && oph_unstage(staged, NULL, &err))
        oph__log(&ctx->log, OPH_LOG_ERROR, "freed while staged: %s", err.text);
    oph__loop_drain(ctx->engine); /* the last step of an acquisition may still be on its way out */
    destroy(dev);
    oph_context_free(ctx);
}

oph_device *oph__device_detector(oph_device *dev)
{
    while (dev->parent && !dev->trigger)
        dev = dev->parent;
    return dev;
}

oph_device *oph__device_root(oph_device *dev)
{
    while (dev->parent)
        dev = dev->parent;
    return dev;
}

static oph_device *child_named(oph_device *dev, const char *name, size_t length)
{
    for (size_t i = 0; i < dev->children.count; i++) {
        oph_device *child = dev->children.at[i];
        if (strlen(child->attr) == length && !memcmp(child->attr, name, length)) return child;
    }
    return NULL;
}

oph_device *oph__device_walk(oph_device *dev, const char *path, const char **ret_rest)
{
    for (;;) {
        size_t length = strcspn(path, ".");
        oph_device *next = NULL;
        if (length == strlen("parent") && oph__starts(path, "parent"))
            next = dev->parent;
        else
            next = child_named(dev, path, length);
        if (!next) break;
        dev = next;
        path += length;
        if (*path == '.') path++;
    }
    *ret_rest = path;
    return dev;
}

int oph_device_child(oph_device *dev, const char *path, oph_device **ret, oph_error *err)
{
    const char *rest;
    oph_device *at = oph__device_walk(dev, path, &rest);
    if (*rest || at == dev)
        return oph__fail(err, OPH_ENOTFOUND, (struct oph__at){.device = dev->path}, path,
                         "no such device in class %s", at->cls->name);
    *ret = at;
    return 0;
}

int oph__device_each(oph_device *dev, oph__device_fn *fn, void *user, oph_error *err)
{
    int rc = fn(dev, user, err);
    for (size_t i = 0; !rc && i < dev->children.count; i++)
        rc = oph__device_each(dev->children.at[i], fn, user, err);
    return rc;
}

size_t oph_device_child_count(const oph_device *dev)
{
    return dev->children.count;
}

oph_device *oph_device_child_at(oph_device *dev, size_t index)
{
    return index < dev->children.count ? dev->children.at[index] : NULL;
}

oph_device *oph_device_parent(oph_device *dev)
{
    return dev->parent;
}

const char *oph_device_name(const oph_device *dev)
{
    return dev->name;
}

const char *oph_device_path(const oph_device *dev)
{
    return dev->path;
}

const char *oph_device_prefix(const oph_device *dev)
{
    return dev->prefix;
}

const char *oph_device_attr(const oph_device *dev)
{
    return dev->attr;
}

const char *oph_device_class(const oph_device *dev)
{
    return dev->expression;
}

int oph_device_is(const oph_device *dev, const char *class_name)
{
    return oph__class_is(dev->cls, class_name);
}

size_t oph_device_attr_count(const oph_device *dev)
{
    return dev->cls->rows.count;
}

const char *oph_device_attr_at(const oph_device *dev, size_t index)
{
    const struct oph__class *cls = dev->cls;
    if (index >= cls->rows.count) return NULL;
    const struct oph__row *row = cls->rows.at[index];
    return row->attr;
}
