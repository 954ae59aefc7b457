/* What a stage will write, before anything is sent: is it sound, and does it overwrite nothing? */
#include "ad/file_parts.h"
#include "ad/full_name.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <string.h>
#include <sys/stat.h>

/* Rows that decide it: as the plan will set them, else as they stand. */
enum row { PATH, NAME, NUMBER, TEMPLATE, MODE, INCREMENT, SAVE, LAZY, WIDTH, FULL_NAME, ROWS };
static const char *const attrs[ROWS] = {
    [PATH] = "file_path",           [NAME] = "file_name",       [NUMBER] = "file_number",
    [TEMPLATE] = "file_template",   [MODE] = "file_write_mode", [INCREMENT] = "auto_increment",
    [SAVE] = "auto_save",           [LAZY] = "lazy_open",       [WIDTH] = "array_size.width",
    [FULL_NAME] = "full_file_name",
};

enum { NAMES = 2000 }; /* are looked for between two looks at whether the call was interrupted */

struct coming {
    oph_device *dev;
    struct oph__store *store;
    const struct oph__item *items[ROWS];
    const struct oph__read *reads[ROWS]; /* of those that the plan leaves alone */
};

static bool is_there(oph_device *dev, const char *attr)
{
    oph_signal *sig;
    return !oph_signal_find(dev, attr, &sig, NULL) && !sig->read->absent;
}

int oph__store_ask(oph_device *dev, struct oph__plan *plan, oph_error *err)
{
    int rc = 0;
    for (int i = 0; !rc && i < ROWS; i++) {
        if (!is_there(dev, attrs[i]) || oph__plan_find(plan, dev, attrs[i])) continue;
        rc = oph__plan_ask(plan, dev, attrs[i], OPH__WITH_ORIGINALS, err);
    }
    return rc;
}

/* A row that nobody plans was asked for, as far as the IOC has it. */
static int look(struct coming *c, const struct oph__plan *plan, oph_error *err)
{
    for (int i = 0; i < ROWS; i++) {
        c->items[i] = oph__plan_find(plan, c->dev, attrs[i]);
        if (c->items[i]) continue;
        c->reads[i] = oph__plan_answer(plan, c->dev, attrs[i], OPH__WITH_ORIGINALS);
        if (!c->reads[i] || !c->reads[i]->rc) continue;
        if (err) *err = c->reads[i]->error;
        return c->reads[i]->rc;
    }
    return 0;
}

/* A row that the IOC lacks is 0. */
static int64_t number(const struct coming *c, int row)
{
    const struct oph__item *item = c->items[row];
    const struct oph__read *r = c->reads[row];
    int64_t i = 0;
    if (item) {
        const oph_value value = oph__wire_value(&item->wire);
        oph__value_int(&value, &i);
    } else if (r) {
        oph__value_int(oph__read_value(r), &i);
    }
    return i;
}

static void text(const struct coming *c, int row, char *dst, size_t size)
{
    const struct oph__item *item = c->items[row];
    const struct oph__read *r = c->reads[row];
    const char *found = "";
    size_t length = 0;
    if (item)
        oph__copy(dst, size, item->value.text);
    else if (r)
        oph__value_text(oph__read_value(r), &found, &length);
    if (!item) oph__format(dst, size, "%.*s", (int)length, found);
}

static int refuse(const struct coming *c, int row, int code, const char *wanted, const char *found,
                  oph_error *err)
{
    oph_signal *sig;
    struct oph__at at = {.device = c->dev->path};
    if (!oph_signal_find(c->dev, attrs[row], &sig, NULL)) at = oph__pv_at(sig->set);
    return oph__fail(err, code, at, wanted, "%s", found);
}

static void keep(const struct coming *c, enum oph__writing writing)
{
    struct oph__store *s = c->store;
    struct oph__files *next = &s->next;
    pthread_mutex_lock(&s->lock);
    text(c, PATH, next->folder, sizeof next->folder);
    oph__folder_end(next->folder, sizeof next->folder, s->windows);
    text(c, NAME, next->name, sizeof next->name);
    text(c, TEMPLATE, next->format, sizeof next->format);
    text(c, FULL_NAME, next->former, sizeof next->former);
    next->writing = writing;
    next->is_random = next->naming == OPH_NAME_UUID && oph__equal(next->name, next->made);
    next->number = number(c, NUMBER);
    oph__full_name(next->format, next->folder, next->name, next->number, next->first,
                   sizeof next->first);
    pthread_mutex_unlock(&s->lock);
}

/* What was only planned is not kept. */
static void begin(struct oph__store *s)
{
    pthread_mutex_lock(&s->lock);
    s->latest = s->next;
    s->fresh = true;
    s->points = s->frames = s->first_number = s->captured = 0;
    pthread_mutex_unlock(&s->lock);
}

/* Without a number, or with one that stays, each frame's file would replace the one before. */
static int check_files(const struct coming *c, oph_error *err)
{
    if (!oph__full_name_counts(c->store->next.format))
        return refuse(
            c, TEMPLATE, OPH_EINVAL,
            "%s for the folder, %s for the name and one %d, since each frame has its file",
            c->store->next.format, err);
    if (!number(c, INCREMENT))
        return refuse(c, INCREMENT, OPH_EINVAL, "Yes, since each frame has its file", "No", err);
    return 0;
}

/* A capture can be started: the plugin can open its file. */
static int check_capture(const struct coming *c, const struct oph__item *capture, oph_error *err)
{
    const struct oph__at at = oph__pv_at(capture->sig->read);
    if (number(c, MODE) == OPH__FILE_CAPTURE)
        return refuse(c, MODE, OPH_EINVAL, "Stream or Single",
                      "Capture, of which nothing tells whether each frame was written", err);
    if (number(c, LAZY) || number(c, WIDTH) > 0 || number(c, MODE) == OPH__FILE_SINGLE) return 0;
    return oph__fail(err, OPH_EUNPRIMED, at, "a plugin that has seen a frame",
                     "none since the IOC started, and LazyOpen is off: call oph_warmup, or stage "
                     "lazy_open=1");
}

/* The local file of that number, where its name can be known. */
static bool local_name(const struct oph__store *s, const struct oph__files *f, int64_t number,
                       char *dst, size_t size)
{
    char full[OPH__PATH_MAX];
    return oph__full_name(f->format, f->folder, f->name, number, full, sizeof full) &&
           !oph__path_to_local("", full, f->write_dir, f->read_dir, s->windows, dst, size, NULL);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* A million names take seconds, and more where the disk is far: an interrupt ends that, too. */
static int go_on(const oph_device *dev, oph_error *err)
{
    struct oph__monitor m;
    if (oph__monitor_init(&m)) return 0;
    pthread_mutex_lock(&m.lock);
    int rc = oph__wait(&dev->ctx->waits, &m, oph__now() + 0.001, never, NULL);
    pthread_mutex_unlock(&m.lock);
    oph__monitor_destroy(&m);
    if (rc == OPH_ETIMEOUT) return 0;
    return oph__fail(err, rc, (struct oph__at){.device = dev->path},
                     "a look for files that exist already", "%s",
                     rc == OPH_EINTR ? "interrupted" : "cancelled");
}

static int room(const oph_device *dev, struct oph__store *s, const struct oph__files *f,
                int64_t first, int64_t count, oph_error *err)
{
    char local[OPH__PATH_MAX] = "";
    struct stat st;
    for (int64_t i = 0; i < count; i++) {
        int rc = i && i % NAMES == 0 ? go_on(dev, err) : 0;
        if (rc) return rc;
        pthread_mutex_lock(&s->lock);
        bool ask =
            !s->overwrite && !f->is_random && local_name(s, f, first + i, local, sizeof local);
        pthread_mutex_unlock(&s->lock);
        if (!ask) return 0;
        if (lstat(local, &st)) continue;
        return oph__fail(err, OPH_EFILE, (struct oph__at){.device = dev->path},
                         "a file that does not exist yet",
                         "%s: name it otherwise, or allow it with oph_files_set_overwrite", local);
    }
    return 0;
}

struct twin {
    const struct oph__store *store;
    const struct oph__plan *plan;
    const oph_device *dev; /* another one, which this plan has write the same file */
};

/* Those that are checked later have no name yet: the second of two tells. */
static int find_twin(oph_device *dev, void *user, oph_error *err)
{
    struct twin *t = user;
    struct oph__store *s = oph__store_of(dev);
    (void)err;
    if (!s || s == t->store || !oph__plan_find(t->plan, dev, "file_path")) return 0;
    pthread_mutex_lock(&s->lock);
    const struct oph__files *next = &s->next;
    if (next->writing != OPH__WRITES_NOTHING && next->first[0] &&
        oph__path_same(next->first, t->store->next.first, s->windows))
        t->dev = dev;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static int check_twin(const struct coming *c, const struct oph__plan *plan, oph_error *err)
{
    struct twin t = {.store = c->store, .plan = plan};
    oph__device_each(plan->dev, find_twin, &t, NULL);
    if (!t.dev) return 0;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = c->dev->path}, "a file of its own",
                     "%s, which %s is to write too", c->store->next.first, t.dev->path);
}

static int check(struct coming *c, const struct oph__plan *plan, oph_error *err)
{
    const struct oph__item *capture = oph__plan_find(plan, c->dev, "capture");
    bool captures = capture && oph__item_starts(capture);
    int rc = look(c, plan, err);
    if (rc) return rc;
    enum oph__writing writing = captures ? OPH__WRITES_STREAM : OPH__WRITES_NOTHING;
    if (!captures && number(c, MODE) == OPH__FILE_SINGLE && number(c, SAVE))
        writing = OPH__WRITES_FILES;
    keep(c, writing);
    rc = oph__store_hold(c->dev, c->store, c->store->next.read_dir, err);
    if (!rc && captures) rc = check_capture(c, capture, err);
    if (!rc && writing == OPH__WRITES_FILES) rc = check_files(c, err);
    if (!rc && writing != OPH__WRITES_NOTHING) rc = check_twin(c, plan, err);
    if (!rc && writing != OPH__WRITES_NOTHING)
        rc = room(c->dev, c->store, &c->store->next, number(c, NUMBER), 1, err);
    if (!rc && !plan->dry) begin(c->store);
    return rc;
}

int oph__store_check(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err)
{
    struct coming c = {.dev = dev, .store = data};
    return check(&c, plan, err);
}

int oph__store_room(oph_device *dev, int64_t first, int64_t count, oph_error *err)
{
    struct oph__store *s = oph__store_of(dev);
    return s ? room(dev, s, &s->latest, first, count, err) : 0;
}
