#include "lib/fake_ioc.h"

#include <epicsUnitTest.h>
#include <string.h>

enum { PATIENCE = 20, CLAMP = 10 };

struct oph__link fake_ioc;

void fake_lock(void)
{
    pthread_mutex_lock(&fake_ioc.m.lock);
}

void fake_unlock(void)
{
    pthread_cond_broadcast(&fake_ioc.m.changed);
    pthread_mutex_unlock(&fake_ioc.m.lock);
}

/* Values */

static void parse(struct value *v, const struct oph__chan_info *info, const char *text)
{
    double d = 0;
    memset(v, 0, sizeof *v);
    v->count = info->count;
    bool is_text = info->dtype == OPH_TEXT || (info->dtype == OPH_UINT8 && info->count > 1);
    if (is_text) {
        memcpy(v->data, text, strlen(text) + 1);
        return;
    }
    if (!oph__to_double(text, &d)) testAbort("%s is no number", text);
    switch (info->dtype) {
    case OPH_UINT8: *(uint8_t *)v->data = (uint8_t)d; break;
    case OPH_INT16: *(int16_t *)(void *)v->data = (int16_t)d; break;
    case OPH_ENUM: *(uint16_t *)(void *)v->data = (uint16_t)d; break;
    case OPH_INT32: *(int32_t *)(void *)v->data = (int32_t)d; break;
    case OPH_FLOAT32: *(float *)(void *)v->data = (float)d; break;
    default: *(double *)(void *)v->data = d;
    }
}

static double number(const struct value *v, int32_t dtype)
{
    switch (dtype) {
    case OPH_UINT8: return v->data[0];
    case OPH_INT16: return *(const int16_t *)(const void *)v->data;
    case OPH_ENUM: return *(const uint16_t *)(const void *)v->data;
    case OPH_INT32: return *(const int32_t *)(const void *)v->data;
    case OPH_FLOAT32: return (double)*(const float *)(const void *)v->data;
    default: return *(const double *)(const void *)v->data;
    }
}

char *fake_show(const struct value *v, const struct oph__chan_info *info, char *dst, size_t size)
{
    if (info->dtype == OPH_TEXT || (info->dtype == OPH_UINT8 && info->count > 1))
        return oph__copy(dst, size, (const char *)v->data);
    return oph__from_double(dst, size, number(v, info->dtype));
}

struct pv *fake_find(const char *name)
{
    for (size_t i = 0; i < fake_ioc.pv_count; i++)
        if (!strcmp(fake_ioc.pvs[i].name, name)) return &fake_ioc.pvs[i];
    return NULL;
}

static struct pv *find_or_abort(const char *name)
{
    struct pv *pv = fake_find(name);
    if (!pv) testAbort("the fake IOC has no %s", name);
    return pv;
}

/* Puts */

/* As a record, it tells of changes alone. */
static void set_value(struct pv *pv, const struct value *v)
{
    bool news = pv->undefined || memcmp(pv->value.data, v->data, sizeof v->data) != 0;
    pv->value = *v;
    pv->value.count = pv->info.count;
    pv->undefined = false;
    if (news) fake_post(pv);
}

static void set_readback(struct pv *pv, const struct value *v, enum fake_rule rule)
{
    struct value back = *v;
    size_t length = strlen((const char *)v->data);
    if (rule == FAKE_IGNORE || rule == FAKE_FALL_BACK) return;
    if (rule == FAKE_CLAMP && number(v, pv->info.dtype) > CLAMP) parse(&back, &pv->info, "10");
    if (rule == FAKE_PATH && length && v->data[length - 1] != '/') back.data[length] = '/';
    set_value(pv, &back);
}

void fake_apply(struct pv *pv, const struct value *v, enum fake_rule rule)
{
    char name[90];
    struct pv *rbv = fake_find(oph__format(name, sizeof name, "%s_RBV", pv->name));
    if (rbv || rule != FAKE_IGNORE) set_value(pv, v);
    if (rbv) set_readback(rbv, v, rule);
    if (rule == FAKE_FALL_BACK) {
        struct value zero = {.count = v->count};
        set_value(pv, &zero);
    }
}

/* What tests call */

static void set_labels(struct oph__chan_info *info, const char *labels)
{
    memset(info->labels, 0, sizeof info->labels);
    info->label_count = 0;
    for (size_t n; *labels; labels += n + (labels[n] == ',')) {
        n = strcspn(labels, ",");
        memcpy(info->labels[info->label_count++], labels, n);
    }
}

void fake_pv(const char *name, int32_t dtype, uint32_t count, const char *labels, const char *value)
{
    fake_lock();
    if (fake_ioc.pv_count == PVS) testAbort("the fake IOC is full");
    struct pv *pv = &fake_ioc.pvs[fake_ioc.pv_count++];
    oph__copy(pv->name, sizeof pv->name, name);
    pv->info = (struct oph__chan_info){
        .dtype = dtype, .count = count, .readable = true, .writable = true, .precision = 3};
    set_labels(&pv->info, labels);
    parse(&pv->value, &pv->info, value);
    pv->up = true;
    fake_unlock();
}

void fake_rule(const char *name, enum fake_rule rule)
{
    fake_lock();
    find_or_abort(name)->rule = rule;
    fake_unlock();
}

void fake_rule_nth(int nth, enum fake_rule rule)
{
    fake_lock();
    fake_ioc.nth = nth;
    fake_ioc.nth_rule = rule;
    fake_unlock();
}

void fake_read_only(const char *name)
{
    fake_lock();
    find_or_abort(name)->info.writable = false;
    fake_unlock();
}

void fake_undefined(const char *name)
{
    fake_lock();
    find_or_abort(name)->undefined = true;
    fake_unlock();
}

void fake_drain(void)
{
    pthread_cond_broadcast(&fake_ioc.m.changed);
    while (fake_ioc.sent.first || fake_ioc.calling)
        pthread_cond_wait(&fake_ioc.m.changed, &fake_ioc.m.lock);
}

void fake_set(const char *name, const char *value)
{
    struct value v;
    fake_lock();
    struct pv *pv = find_or_abort(name);
    parse(&v, &pv->info, value);
    set_value(pv, &v);
    fake_drain();
    fake_unlock();
}

void fake_then(const char *name, const char *value)
{
    fake_lock();
    struct pv *pv = find_or_abort(name);
    parse(&pv->next, &pv->info, value);
    pv->has_next = true;
    fake_unlock();
}

static void set_up(const char *name, bool up)
{
    fake_lock();
    for (size_t i = 0; i < fake_ioc.pv_count; i++) {
        struct pv *pv = &fake_ioc.pvs[i];
        if ((name && strcmp(pv->name, name) != 0) || pv->up == up) continue;
        pv->up = up;
        fake_change_state(pv, up ? OPH__CHAN_UP : OPH__CHAN_DOWN);
    }
    fake_drain();
    fake_unlock();
}

void fake_down(const char *name)
{
    set_up(name, false);
}

void fake_up(const char *name)
{
    set_up(name, true);
}

void fake_release(const char *name)
{
    fake_lock();
    for (struct oph__chan *c = fake_ioc.chans; c; c = c->next) {
        if (strcmp(c->name, name) != 0) continue;
        fake_complete(c, c->held, c->held_user, 0);
        c->held = NULL;
    }
    fake_drain();
    fake_unlock();
}

void fake_labels(const char *name, const char *labels)
{
    fake_lock();
    struct pv *pv = find_or_abort(name);
    set_labels(&pv->info, labels);
    fake_post_properties(pv);
    fake_drain();
    fake_unlock();
}

void fake_limits(const char *name, double low, double high)
{
    fake_lock();
    struct pv *pv = find_or_abort(name);
    pv->info.control_low = low;
    pv->info.control_high = high;
    fake_post_properties(pv);
    fake_drain();
    fake_unlock();
}

bool fake_is(const char *name, const char *value)
{
    char shown[BYTES];
    fake_lock();
    const struct pv *pv = find_or_abort(name);
    fake_show(&pv->value, &pv->info, shown, sizeof shown);
    fake_unlock();
    if (!strcmp(shown, value)) return true;
    testDiag("%s is %s, not %s", name, shown, value);
    return false;
}

void fake_wait_put(const char *name)
{
    struct timespec until = oph__timespec(oph__now() + PATIENCE);
    char completed[90], plain[90];
    oph__format(completed, sizeof completed, "%s=", name);
    oph__format(plain, sizeof plain, "%s~", name);
    fake_lock();
    while (!fake_ioc.puts.text ||
           (!strstr(fake_ioc.puts.text, completed) && !strstr(fake_ioc.puts.text, plain)))
        if (pthread_cond_timedwait(&fake_ioc.m.changed, &fake_ioc.m.lock, &until))
            testAbort("nobody put to %s", name);
    fake_unlock();
}

void fake_wait_flushes(int count)
{
    struct timespec until = oph__timespec(oph__now() + PATIENCE);
    fake_lock();
    while (fake_ioc.flushes < count)
        if (pthread_cond_timedwait(&fake_ioc.m.changed, &fake_ioc.m.lock, &until))
            testAbort("%d flushes, not %d", fake_ioc.flushes, count);
    fake_drain();
    fake_unlock();
}

const char *fake_puts(void)
{
    fake_lock();
    fake_drain();
    const char *puts_so_far = fake_ioc.puts.text ? fake_ioc.puts.text : "";
    fake_unlock();
    return puts_so_far;
}

void fake_forget_puts(void)
{
    fake_lock();
    fake_drain();
    oph__buf_free(&fake_ioc.puts);
    fake_ioc.puts = (struct oph__buf){0};
    fake_unlock();
}

void fake_puts_are(const char *wanted, const char *what)
{
    testOk(!strcmp(fake_puts(), wanted), "%s", what);
    if (strcmp(fake_puts(), wanted) != 0) testDiag("found %s", fake_puts());
    fake_forget_puts();
}

static int counted(const int *counter)
{
    fake_lock();
    int n = *counter;
    fake_unlock();
    return n;
}

int fake_opened(void)
{
    return counted(&fake_ioc.opened);
}

int fake_followed(void)
{
    int n = 0;
    fake_lock();
    for (const struct oph__chan *c = fake_ioc.chans; c; c = c->next)
        n += c->follows;
    fake_unlock();
    return n;
}

int fake_flushes(void)
{
    return counted(&fake_ioc.flushes);
}

int fake_gets(void)
{
    return counted(&fake_ioc.gets);
}

int fake_abandoned(void)
{
    return counted(&fake_ioc.abandoned);
}
