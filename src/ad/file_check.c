/* What a stage will write, before anything is sent: is it sound, and does it overwrite nothing? */
#include "ad/file_parts.h"
#include "ad/full_name.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <string.h>
#include <sys/stat.h>

enum { MODE_SINGLE = 0, MODE_CAPTURE = 1 };

/* Rows that decide it: as the plan will set them, else as they stand. */
enum row {
    PATH,
    NAME,
    NUMBER,
    TEMPLATE,
    MODE,
    INCREMENT,
    SAVE,
    LAZY,
    WIDTH,
    CAPTURING,
    FULL_NAME,
    ROWS
};
static const char *const attrs[ROWS] = {
    [PATH] = "file_path",         [NAME] = "file_name",           [NUMBER] = "file_number",
    [TEMPLATE] = "file_template", [MODE] = "file_write_mode",     [INCREMENT] = "auto_increment",
    [SAVE] = "auto_save",         [LAZY] = "lazy_open",           [WIDTH] = "array_size.width",
    [CAPTURING] = "capture",      [FULL_NAME] = "full_file_name",
};

struct coming {
    oph_device *dev;
    struct oph__store *store;
    const struct oph__item *items[ROWS];
    struct oph__read reads[ROWS]; /* of those that the plan leaves alone */
};

/* One flush for all that is not planned. */
static int look(struct coming *c, const struct oph__plan *plan, oph_error *err)
{
    for (int i = 0; i < ROWS; i++) {
        oph_signal *sig;
        c->items[i] = i == CAPTURING ? NULL : oph__plan_find(plan, c->dev, attrs[i]);
        if (!c->items[i] && !oph_signal_find(c->dev, attrs[i], &sig, NULL) && !sig->read->absent)
            c->reads[i].sig = sig;
    }
    return oph__read_all(c->dev->ctx, c->reads, ROWS, OPH_DEFAULT, true, err);
}

/* A row that the IOC lacks is 0. */
static int64_t number(const struct coming *c, int row)
{
    const struct oph__item *item = c->items[row];
    const struct oph__read *r = &c->reads[row];
    int64_t i = 0;
    oph_value value = {0};
    if (item) {
        value.dtype = item->wire.dtype;
        value.count = item->wire.count;
        value.data = item->wire.data;
        oph__value_int(&value, &i);
    } else if (r->sig) {
        oph__value_int(r->read.data ? &r->read : &r->set, &i);
    }
    return i;
}

static void text(const struct coming *c, int row, char *dst, size_t size)
{
    const struct oph__item *item = c->items[row];
    const struct oph__read *r = &c->reads[row];
    const char *found = "";
    size_t length = 0;
    if (item)
        oph__copy(dst, size, item->value.text);
    else if (r->sig)
        oph__value_text(r->read.data ? &r->read : &r->set, &found, &length);
    if (!item) oph__format(dst, size, "%.*s", (int)length, found);
}

static int refuse(const struct coming *c, int row, int code, const char *wanted, const char *found,
                  oph_error *err)
{
    oph_signal *sig;
    struct oph__at at = {.device = c->dev->path};
    if (!oph_signal_find(c->dev, attrs[row], &sig, NULL))
        at = (struct oph__at){.device = sig->path, .pv = sig->set->name};
    return oph__fail(err, code, at, wanted, "%s", found);
}

static void keep(const struct coming *c, enum oph__writing writing)
{
    struct oph__store *s = c->store;
    pthread_mutex_lock(&s->lock);
    text(c, PATH, s->folder, sizeof s->folder);
    text(c, NAME, s->name, sizeof s->name);
    text(c, TEMPLATE, s->format, sizeof s->format);
    text(c, FULL_NAME, s->former, sizeof s->former);
    s->writing = writing;
    s->is_random = s->staged_naming == OPH_NAME_UUID && oph__equal(s->name, s->made);
    s->fresh = true;
    s->number = number(c, NUMBER);
    oph__full_name(s->format, s->folder, s->name, s->number, s->first, sizeof s->first);
    pthread_mutex_unlock(&s->lock);
}

/* Without a number, or with one that stays, each frame's file would replace the one before. */
static int check_files(const struct coming *c, oph_error *err)
{
    if (!oph__full_name_counts(c->store->format))
        return refuse(
            c, TEMPLATE, OPH_EINVAL,
            "%s for the folder, %s for the name and one %d, since each frame has its file",
            c->store->format, err);
    if (!number(c, INCREMENT))
        return refuse(c, INCREMENT, OPH_EINVAL, "Yes, since each frame has its file", "No", err);
    return 0;
}

/* A capture can be started: nobody else's runs, and the plugin can open its file. */
static int check_capture(const struct coming *c, oph_error *err)
{
    const struct oph__read *r = &c->reads[CAPTURING];
    const struct oph__at at = {.device = r->sig->path, .pv = r->sig->read->name};
    if (number(c, CAPTURING))
        return oph__fail(err, OPH_EBUSY, at, "Done",
                         "a capture that runs already: stop it first (put 0 to it)");
    if (number(c, MODE) == MODE_CAPTURE)
        return refuse(c, MODE, OPH_EINVAL, "Stream or Single",
                      "Capture, of which nothing tells whether each frame was written", err);
    if (number(c, LAZY) || number(c, WIDTH) > 0 || number(c, MODE) == MODE_SINGLE) return 0;
    return oph__fail(err, OPH_EUNPRIMED, at, "a plugin that has seen a frame",
                     "none since the IOC started, and LazyOpen is off: call oph_warmup, or stage "
                     "lazy_open=1");
}

static int check(struct coming *c, const struct oph__plan *plan, oph_error *err)
{
    const struct oph__item *capture = oph__plan_find(plan, c->dev, "capture");
    bool captures = capture && oph__item_starts(capture);
    int rc = look(c, plan, err);
    if (rc) return rc;
    enum oph__writing writing = captures ? OPH__WRITES_STREAM : OPH__WRITES_NOTHING;
    if (!captures && number(c, MODE) == MODE_SINGLE && number(c, SAVE)) writing = OPH__WRITES_FILES;
    keep(c, writing);
    if (captures) rc = check_capture(c, err);
    if (!rc && writing == OPH__WRITES_FILES) rc = check_files(c, err);
    if (!rc && writing != OPH__WRITES_NOTHING)
        rc = oph__store_room(c->dev, number(c, NUMBER), 1, err);
    return rc;
}

int oph__store_check(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err)
{
    struct coming c = {.dev = dev, .store = data};
    int rc = check(&c, plan, err);
    oph__reads_clear(c.reads, ROWS);
    return rc;
}

/* The local file of that number, where its name can be known. */
static bool local_name(const struct oph__store *s, int64_t number, char *dst, size_t size)
{
    char full[OPH__PATH_MAX];
    return oph__full_name(s->format, s->folder, s->name, number, full, sizeof full) &&
           !oph__path_to_local("", full, s->write_dir, s->read_dir, s->windows, dst, size, NULL);
}

int oph__store_room(oph_device *dev, int64_t first, int64_t count, oph_error *err)
{
    struct oph__store *s = oph__store_of(dev);
    char local[OPH__PATH_MAX] = "";
    struct stat st;
    if (!s) return 0;
    for (int64_t i = 0; i < count; i++) {
        pthread_mutex_lock(&s->lock);
        bool ask = !s->overwrite && !s->is_random && local_name(s, first + i, local, sizeof local);
        pthread_mutex_unlock(&s->lock);
        if (!ask) return 0;
        if (lstat(local, &st)) continue;
        return oph__fail(err, OPH_EFILE, (struct oph__at){.device = dev->path},
                         "a file that does not exist yet",
                         "%s: name it otherwise, or allow it with oph_files_set_overwrite", local);
    }
    return 0;
}
