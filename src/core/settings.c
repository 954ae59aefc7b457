#include "core/settings.h"
#include "base/err.h"
#include "base/str.h"
#include "core/device.h"
#include <stdlib.h>
#include <string.h>

static struct oph__setting *find(const struct oph__settings *s, const char *key)
{
    return oph__map_get(&s->by_key, key);
}

/* Its place in the list; -1 where it has no such key. */
static ptrdiff_t place_of(const struct oph__settings *s, const char *key)
{
    const struct oph__setting *setting = find(s, key);
    for (size_t i = 0; setting && i < s->list.count; i++)
        if (s->list.at[i] == setting) return (ptrdiff_t)i;
    return -1;
}

static bool keep(struct oph__settings *s, struct oph__setting *setting)
{
    if (!oph__vec_add(&s->list, setting)) return false;
    if (oph__map_set(&s->by_key, setting->key, setting)) return true;
    oph__vec_remove(&s->list, s->list.count - 1);
    return false;
}

static struct oph__setting *take(struct oph__settings *s, ptrdiff_t place)
{
    struct oph__setting *setting = oph__vec_remove(&s->list, (size_t)place);
    oph__map_set(&s->by_key, setting->key, NULL); /* the key is there */
    return setting;
}

static void free_setting(struct oph__setting *s)
{
    if (!s) return;
    free(s->key);
    free((char *)(uintptr_t)s->value.text);
    free(s);
}

int oph__settings_put(struct oph__settings *s, const char *key, const struct oph__literal *value,
                      oph_error *err)
{
    char *text = oph__dup(value->text);
    struct oph__setting *setting = find(s, key);
    if (setting && text) {
        free((char *)(uintptr_t)setting->value.text);
    } else if (text) {
        setting = calloc(1, sizeof *setting);
        if (setting) setting->key = oph__dup(key);
        if (!setting || !setting->key || !keep(s, setting)) {
            free_setting(setting);
            setting = NULL;
        }
    }
    if (!text || !setting) {
        free(text);
        return oph__fail_memory(err, "a setting");
    }
    setting->value = *value;
    setting->value.text = text;
    return 0;
}

const struct oph__setting *oph__settings_at(const struct oph__settings *s, size_t index)
{
    return index < s->list.count ? s->list.at[index] : NULL;
}

void oph__settings_free(struct oph__settings *s)
{
    for (size_t i = 0; i < s->list.count; i++)
        free_setting(s->list.at[i]);
    oph__vec_free(&s->list);
    oph__map_free(&s->by_key);
    free_setting(s->popped);
    s->popped = NULL;
}

void oph__settings_become(struct oph__settings *s, struct oph__settings *by)
{
    oph__settings_free(s);
    *s = *by;
    *by = (struct oph__settings){0};
}

int oph__settings_put_all(struct oph__settings *s, const struct oph__settings *from, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < from->list.count; i++) {
        const struct oph__setting *setting = from->list.at[i];
        rc = oph__settings_put(s, setting->key, &setting->value, err);
    }
    return rc;
}

static int unknown_key(const oph_device *dev, const char *key, oph_error *err)
{
    return oph__fail(err, OPH_ENOTFOUND, (struct oph__at){.device = dev->path}, key,
                     "no such setting in its list");
}

int oph__settings_check(const oph_device *dev, const char *key, const char *value, oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find((oph_device *)(uintptr_t)dev, key, &sig, err);
    if (rc || sig->row->how != OPH__RO) return rc;
    return oph__fail(err, OPH_EACCESS, oph__pv_at(sig->set), value,
                     "an attribute that is read-only");
}

static int set(oph_device *dev, const char *key, const struct oph__literal *value, oph_error *err)
{
    int rc = oph__settings_check(dev, key, value->text, err);
    return rc ? rc : oph__settings_put(&dev->settings, key, value, err);
}

int oph_settings_set_int(oph_device *dev, const char *key, int64_t value, oph_error *err)
{
    char text[32];
    oph__format(text, sizeof text, "%lld", (long long)value);
    return set(dev, key, &(struct oph__literal){.kind = OPH__LIT_INT, .i = value, .text = text},
               err);
}

int oph_settings_set_double(oph_device *dev, const char *key, double value, oph_error *err)
{
    char text[32];
    oph__from_double(text, sizeof text, value);
    return set(dev, key, &(struct oph__literal){.kind = OPH__LIT_FLOAT, .f = value, .text = text},
               err);
}

int oph_settings_set_text(oph_device *dev, const char *key, const char *value, oph_error *err)
{
    if (!value)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, key,
                         "NULL as its value");
    return set(dev, key, &(struct oph__literal){.kind = OPH__LIT_TEXT, .text = value}, err);
}

int oph_settings_delete(oph_device *dev, const char *key, oph_error *err)
{
    ptrdiff_t place = place_of(&dev->settings, key);
    if (place < 0) return unknown_key(dev, key, err);
    free_setting(take(&dev->settings, place));
    return 0;
}

static void give(const struct oph__setting *s, oph_setting *ret)
{
    const struct oph__literal *v = &s->value;
    oph_setting all = {.size = ret->size, .dtype = OPH_STRING, .key = s->key, .text = v->text};
    if (v->kind == OPH__LIT_INT) {
        all.dtype = OPH_INT64;
        all.integer = v->i;
        all.number = (double)v->i;
    } else if (v->kind == OPH__LIT_FLOAT) {
        all.dtype = OPH_FLOAT64;
        all.number = v->f;
    }
    memcpy(ret, &all, ret->size < sizeof all ? ret->size : sizeof all);
}

static int check_size(const oph_setting *ret, oph_error *err)
{
    if (!ret || ret->size >= sizeof ret->size) return 0;
    return oph__fail_text(err, OPH_EINVAL, "a setting: wanted the struct's size, found %u",
                          (unsigned)ret->size);
}

int oph_settings_get(const oph_device *dev, const char *key, oph_setting *ret, oph_error *err)
{
    const struct oph__setting *s = find(&dev->settings, key);
    int rc = check_size(ret, err);
    if (rc) return rc;
    if (!s) return unknown_key(dev, key, err);
    give(s, ret);
    return 0;
}

int oph_settings_pop(oph_device *dev, const char *key, oph_setting *ret, oph_error *err)
{
    struct oph__settings *s = &dev->settings;
    ptrdiff_t place = key ? place_of(s, key) : (ptrdiff_t)s->list.count - 1;
    int rc = check_size(ret, err);
    if (rc) return rc;
    if (place < 0) return unknown_key(dev, key ? key : "the last setting", err);
    free_setting(s->popped);
    s->popped = take(s, place);
    if (ret) give(s->popped, ret);
    return 0;
}

int oph_settings_copy(oph_device *dev, const oph_device *from, oph_report **ret_report,
                      oph_error *err)
{
    struct oph__settings copy = {0};
    oph_report *report = oph__report_new();
    int rc = 0;
    for (size_t i = 0; i < from->settings.list.count; i++) {
        const struct oph__setting *s = from->settings.list.at[i];
        oph_error one = OPH_ERROR_INIT;
        if (oph__settings_check(dev, s->key, s->value.text, &one))
            rc = oph__report_note(report, &one, rc, err);
    }
    if (!rc) rc = oph__settings_put_all(&copy, &from->settings, err);
    if (!rc) oph__settings_become(&dev->settings, &copy);
    oph__settings_free(&copy);
    oph__report_give(report, ret_report);
    return rc;
}

int oph_settings_move(oph_device *dev, const char *key, const char *before, oph_error *err)
{
    struct oph__vec *list = &dev->settings.list;
    ptrdiff_t from = place_of(&dev->settings, key), to = (ptrdiff_t)list->count;
    if (from < 0) return unknown_key(dev, key, err);
    if (before && (to = place_of(&dev->settings, before)) < 0) return unknown_key(dev, before, err);
    void *setting = oph__vec_remove(list, (size_t)from);
    oph__vec_insert(list, (size_t)(to > from ? to - 1 : to),
                    setting); /* there is room: one was just removed */
    return 0;
}

void oph_settings_clear(oph_device *dev)
{
    oph__settings_free(&dev->settings);
    dev->settings = (struct oph__settings){0};
}

size_t oph_settings_count(const oph_device *dev)
{
    return dev->settings.list.count;
}

const char *oph_settings_key_at(const oph_device *dev, size_t index)
{
    const struct oph__setting *s = oph__settings_at(&dev->settings, index);
    return s ? s->key : NULL;
}

const char *oph_settings_value(const oph_device *dev, const char *key)
{
    const struct oph__setting *s = find(&dev->settings, key);
    return s ? s->value.text : NULL;
}
