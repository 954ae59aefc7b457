#include "core/settings.h"
#include "base/err.h"
#include "base/str.h"
#include "core/device.h"
#include <stdlib.h>
#include <string.h>

static struct oph__setting *find(const struct oph__settings *s, const char *key, size_t *ret_index)
{
    for (size_t i = 0; i < s->list.count; i++) {
        struct oph__setting *setting = s->list.at[i];
        if (!oph__equal(setting->key, key)) continue;
        if (ret_index) *ret_index = i;
        return setting;
    }
    return NULL;
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
    struct oph__setting *setting = find(s, key, NULL);
    if (setting && text) {
        free((char *)(uintptr_t)setting->value.text);
    } else if (text) {
        setting = calloc(1, sizeof *setting);
        if (setting) setting->key = oph__dup(key);
        if (!setting || !setting->key || !oph__vec_add(&s->list, setting)) {
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
}

static int unknown_key(const oph_device *dev, const char *key, oph_error *err)
{
    return oph__fail(err, OPH_ENOTFOUND, (struct oph__at){.device = dev->path}, key,
                     "no such setting in its list");
}

static int set(oph_device *dev, const char *key, const struct oph__literal *value, oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find(dev, key, &sig, err);
    if (rc) return rc;
    if (sig->row->how == OPH__RO)
        return oph__fail(err, OPH_EACCESS,
                         (struct oph__at){.device = sig->path, .pv = sig->set->name}, value->text,
                         "an attribute that is read-only");
    return oph__settings_put(&dev->settings, key, value, err);
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
    size_t index;
    if (!find(&dev->settings, key, &index)) return unknown_key(dev, key, err);
    free_setting(oph__vec_remove(&dev->settings.list, index));
    return 0;
}

int oph_settings_move(oph_device *dev, const char *key, const char *before, oph_error *err)
{
    struct oph__vec *list = &dev->settings.list;
    size_t from, to = list->count;
    if (!find(&dev->settings, key, &from)) return unknown_key(dev, key, err);
    if (before && !find(&dev->settings, before, &to)) return unknown_key(dev, before, err);
    void *setting = oph__vec_remove(list, from);
    oph__vec_insert(list, to > from ? to - 1 : to,
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
    const struct oph__setting *s = find(&dev->settings, key, NULL);
    return s ? s->value.text : NULL;
}

/* Text in quotes, as Python writes it. */
static void add_quoted(struct oph__buf *buf, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
    oph__buf_add_n(buf, &quote, 1);
    for (; *text; text++) {
        if (*text == quote || *text == '\\') oph__buf_add(buf, "\\");
        oph__buf_add_n(buf, text, 1);
    }
    oph__buf_add_n(buf, &quote, 1);
}

size_t oph_settings_text(const oph_device *dev, char *buffer, size_t size)
{
    struct oph__buf buf = {0};
    oph__buf_add(&buf, "OrderedDict(");
    for (size_t i = 0; i < dev->settings.list.count; i++) {
        const struct oph__setting *s = oph__settings_at(&dev->settings, i);
        oph__buf_addf(&buf, "%s('%s', ", i ? ", " : "[", s->key);
        if (s->value.kind == OPH__LIT_TEXT)
            add_quoted(&buf, s->value.text);
        else
            oph__buf_add(&buf, s->value.text);
        oph__buf_add(&buf, ")");
    }
    oph__buf_add(&buf, dev->settings.list.count ? "])" : ")");
    oph__copy(buffer, size, buf.failed ? "" : buf.text);
    size_t length = buf.len;
    oph__buf_free(&buf);
    return length;
}
