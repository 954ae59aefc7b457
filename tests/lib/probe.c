#include "lib/probe.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cadef.h>
#include <epicsUnitTest.h>

enum { CHANNELS = 6000, EVENTS = 200000 };
static const double PATIENCE = 10.0;

struct channel {
    struct probe *probe;
    char name[80]; /* without the prefix */
    chid id;
    evid subscription;
    int connected;
    int putting, put_status; /* putting: a completion is awaited */
    struct dbr_ctrl_enum labels;
};

/* One answer at a time: probe_get and its like are not for several threads at once. */
struct answer {
    int done, status, severity;
    long count;
    void *copy;
    size_t copy_size;
};

struct probe {
    char prefix[64];
    struct ca_client_context *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    double start;
    struct channel *channels[CHANNELS];
    int channel_count;
    struct probe_event *events;
    int event_count;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* With the lock held: until the next change or the deadline. 0 when that has passed. */
static int wait_change(struct probe *p, double deadline)
{
    struct timespec until = {.tv_sec = (time_t)deadline};
    until.tv_nsec = (long)((deadline - (double)until.tv_sec) * 1e9);
    return pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0;
}

struct probe *probe_new(const char *prefix)
{
    struct probe *p = calloc(1, sizeof *p);
    pthread_condattr_t attributes;
    if (!p) testAbort("no memory");
    p->events = malloc(EVENTS * sizeof *p->events);
    if (!p->events) testAbort("no memory");
    snprintf(p->prefix, sizeof p->prefix, "%s", prefix);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attributes);
    p->start = now();
    if (ca_context_create(ca_enable_preemptive_callback) != ECA_NORMAL) testAbort("no CA context");
    p->context = ca_current_context();
    return p;
}

void probe_free(struct probe *p)
{
    if (!p) return;
    for (int i = 0; i < p->channel_count; i++)
        ca_clear_channel(p->channels[i]->id);
    ca_context_destroy();
    for (int i = 0; i < p->channel_count; i++)
        free(p->channels[i]);
    free(p->events);
    free(p);
}

void probe_attach(struct probe *p)
{
    ca_attach_context(p->context); /* ECA_ISATTACHED: it is already */
}

static void on_connection(struct connection_handler_args args)
{
    struct channel *c = ca_puser(args.chid);
    pthread_mutex_lock(&c->probe->lock);
    c->connected = args.op == CA_OP_CONN_UP;
    pthread_cond_broadcast(&c->probe->changed);
    pthread_mutex_unlock(&c->probe->lock);
}

static struct channel *create(struct probe *p, const char *name)
{
    char full[128];
    for (int i = 0; i < p->channel_count; i++)
        if (strcmp(p->channels[i]->name, name) == 0) return p->channels[i];
    struct channel *c = calloc(1, sizeof *c);
    if (!c || p->channel_count == CHANNELS) testAbort("too many channels");
    c->probe = p;
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(full, sizeof full, "%s%s", p->prefix, name);
    p->channels[p->channel_count++] = c;
    if (ca_create_channel(full, on_connection, c, CA_PRIORITY_DEFAULT, &c->id) != ECA_NORMAL)
        testAbort("no channel %s", full);
    return c;
}

static int connected(struct channel *c)
{
    struct probe *p = c->probe;
    double deadline = now() + PATIENCE;
    ca_flush_io();
    pthread_mutex_lock(&p->lock);
    while (!c->connected && wait_change(p, deadline))
        continue;
    int up = c->connected;
    pthread_mutex_unlock(&p->lock);
    if (!up) testDiag("%s%s did not connect in %g s", p->prefix, c->name, PATIENCE);
    return up;
}

static struct channel *find(struct probe *p, const char *name)
{
    struct channel *c = create(p, name);
    return connected(c) ? c : NULL;
}

void probe_search(struct probe *p, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        create(p, names[i]);
}

int probe_found(struct probe *p, const char *name)
{
    struct channel *c = create(p, name);
    pthread_mutex_lock(&p->lock);
    int up = c->connected;
    pthread_mutex_unlock(&p->lock);
    return up;
}

int probe_connect(struct probe *p, const char *const *names, int count)
{
    int up = 1;
    for (int i = 0; i < count; i++)
        create(p, names[i]);
    for (int i = 0; i < count && up; i++)
        up = find(p, names[i]) != NULL;
    return up ? 0 : -1;
}

int probe_until_up(struct probe *p, const char *name, int up, double seconds)
{
    struct channel *c = create(p, name);
    double deadline = now() + seconds;
    ca_flush_io();
    pthread_mutex_lock(&p->lock);
    while (c->connected != up && wait_change(p, deadline))
        continue;
    int rc = c->connected == up ? 0 : -1;
    pthread_mutex_unlock(&p->lock);
    return rc;
}

struct pending {
    struct probe *probe;
    struct answer *answer;
};

static void on_answer(struct event_handler_args args)
{
    struct pending *pending = args.usr;
    struct answer *a = pending->answer;
    pthread_mutex_lock(&pending->probe->lock);
    a->status = args.status;
    a->count = args.count;
    if (args.status == ECA_NORMAL) {
        /* Base 7.0.3 takes no elements for one. */
        size_t size = args.count > 0 ? dbr_size_n(args.type, args.count)
                                     : (size_t)dbr_value_offset[args.type];
        a->copy = malloc(size);
        a->copy_size = size;
        if (a->copy) memcpy(a->copy, args.dbr, size);
    }
    a->done = 1;
    pthread_cond_broadcast(&pending->probe->changed);
    pthread_mutex_unlock(&pending->probe->lock);
}

static struct pending *ask(struct channel *c, chtype type, unsigned long count)
{
    struct pending *pending = calloc(1, sizeof *pending + sizeof(struct answer));
    if (!pending) testAbort("no memory");
    pending->probe = c->probe;
    pending->answer = (struct answer *)(pending + 1);
    int status = ca_array_get_callback(type, count, c->id, on_answer, pending);
    if (status != ECA_NORMAL) /* else the answer may be there already */
        *pending->answer = (struct answer){.done = 1, .status = status};
    return pending;
}

/* A pending get that never comes leaves its memory behind: libca may still call. */
static int take(struct channel *c, struct pending *pending, struct answer *ret)
{
    struct probe *p = c->probe;
    double deadline = now() + PATIENCE;
    pthread_mutex_lock(&p->lock);
    while (!pending->answer->done && wait_change(p, deadline))
        continue;
    int done = pending->answer->done;
    *ret = *pending->answer;
    pthread_mutex_unlock(&p->lock);
    if (done) free(pending);
    if (done && ret->status == ECA_NORMAL && ret->copy) return 0;
    testDiag("reading %s%s: %s", p->prefix, c->name,
             done ? ca_message(ret->status) : "no answer in time");
    return -1;
}

static int fetch(struct channel *c, chtype type, unsigned long count, struct answer *ret)
{
    struct pending *pending = ask(c, type, count);
    ca_flush_io();
    return take(c, pending, ret);
}

static int is_text(struct channel *c)
{
    return ca_field_type(c->id) == DBF_CHAR && ca_element_count(c->id) > 1;
}

static struct pending *ask_text(struct channel *c)
{
    return ask(c, is_text(c) ? DBR_CHAR : DBR_STRING, is_text(c) ? 0 : 1);
}

static int take_text(struct channel *c, struct pending *pending, char *ret, size_t size)
{
    struct answer a;
    if (take(c, pending, &a) != 0) return -1;
    size_t length = strnlen(a.copy, a.copy_size);
    if (length >= size) length = size - 1;
    memcpy(ret, a.copy, length);
    ret[length] = '\0';
    free(a.copy);
    return 0;
}

int probe_get(struct probe *p, const char *name, char *ret, size_t size)
{
    return probe_get_all(p, &name, 1, &ret, size);
}

int probe_get_all(struct probe *p, const char *const *names, int count, char *const *ret,
                  size_t size)
{
    struct pending **pending = calloc((size_t)count + 1, sizeof *pending);
    int rc = probe_connect(p, names, count);
    if (!pending) testAbort("no memory");
    for (int i = 0; !rc && i < count; i++)
        pending[i] = ask_text(find(p, names[i]));
    ca_flush_io();
    for (int i = 0; i < count && pending[i]; i++)
        if (take_text(find(p, names[i]), pending[i], ret[i], size) != 0) rc = -1;
    free(pending);
    return rc;
}

double probe_get_number(struct probe *p, const char *name)
{
    struct channel *c = find(p, name);
    struct answer a;
    if (!c || fetch(c, DBR_DOUBLE, 1, &a) != 0) return NAN;
    double value = *(double *)a.copy;
    free(a.copy);
    return value;
}

int probe_get_severity(struct probe *p, const char *name)
{
    struct channel *c = find(p, name);
    struct answer a;
    if (!c || fetch(c, DBR_STS_STRING, 1, &a) != 0) return -1;
    int severity = ((struct dbr_sts_string *)a.copy)->severity;
    free(a.copy);
    return severity;
}

long probe_get_longs(struct probe *p, const char *name, int *ret, long count)
{
    struct channel *c = find(p, name);
    struct answer a;
    if (!c || fetch(c, DBR_LONG, 0, &a) != 0) return -1;
    if (a.count < count) count = a.count;
    memcpy(ret, a.copy, (size_t)count * sizeof *ret);
    free(a.copy);
    return a.count;
}

int probe_read(struct probe *p, const char *name, struct probe_value *ret)
{
    struct channel *c = find(p, name);
    struct answer a;
    if (!c) return -1;
    short plain = ca_field_type(c->id);
    chtype type = dbf_type_to_DBR_TIME(plain);
    if (fetch(c, type, 0, &a) != 0) return -1;
    const struct dbr_time_string *head = a.copy; /* all begin alike */
    *ret = (struct probe_value){.count = a.count,
                                .status = head->status,
                                .severity = head->severity,
                                .seconds = head->stamp.secPastEpoch,
                                .nanoseconds = head->stamp.nsec,
                                .bytes = (size_t)a.count * dbr_value_size[type]};
    snprintf(ret->type, sizeof ret->type, "%s", dbf_type_to_text(plain) + strlen("DBF_"));
    ret->data = malloc(ret->bytes + 1);
    if (!ret->data) testAbort("no memory");
    if (ret->bytes) memcpy(ret->data, dbr_value_ptr(a.copy, type), ret->bytes);
    free(a.copy);
    return 0;
}

static void on_put(struct event_handler_args args)
{
    struct channel *c = args.usr;
    pthread_mutex_lock(&c->probe->lock);
    c->putting = 0;
    c->put_status = args.status;
    pthread_cond_broadcast(&c->probe->changed);
    pthread_mutex_unlock(&c->probe->lock);
}

static int send_put(struct channel *c, chtype type, unsigned long count, const void *data,
                    int completion)
{
    struct probe *p = c->probe;
    const char *name = c->name;
    int status;
    if (completion) {
        pthread_mutex_lock(&p->lock);
        int pending = c->putting;
        c->putting = 1;
        pthread_mutex_unlock(&p->lock);
        if (pending) {
            testDiag("%s%s: a put with completion is pending", p->prefix, name);
            return -1;
        }
        status = ca_array_put_callback(type, count, c->id, data, on_put, c);
    } else {
        status = ca_array_put(type, count, c->id, data);
    }
    ca_flush_io();
    if (status == ECA_NORMAL) return 0;
    if (completion) c->putting = 0;
    testDiag("writing %s%s: %s", p->prefix, name, ca_message(status));
    return -1;
}

static int put(struct probe *p, const char *name, const char *value, int completion)
{
    struct channel *c = find(p, name);
    char text[MAX_STRING_SIZE] = "";
    if (!c) return -1;
    if (is_text(c)) return send_put(c, DBR_CHAR, strlen(value) + 1, value, completion);
    snprintf(text, sizeof text, "%s", value);
    return send_put(c, DBR_STRING, 1, text, completion);
}

int probe_put_number_complete(struct probe *p, const char *name, double value, double seconds)
{
    struct channel *c = find(p, name);
    if (!c || send_put(c, DBR_DOUBLE, 1, &value, 1) != 0) return -1;
    return probe_completed(p, name, seconds);
}

int probe_put(struct probe *p, const char *name, const char *value)
{
    return put(p, name, value, 0);
}

int probe_put_start(struct probe *p, const char *name, const char *value)
{
    return put(p, name, value, 1);
}

int probe_completed(struct probe *p, const char *name, double seconds)
{
    struct channel *c = find(p, name);
    double deadline = now() + seconds;
    if (!c) return -1;
    pthread_mutex_lock(&p->lock);
    while (c->putting && wait_change(p, deadline))
        continue;
    int pending = c->putting, status = c->put_status;
    pthread_mutex_unlock(&p->lock);
    return !pending && status == ECA_NORMAL ? 0 : -1;
}

int probe_put_complete(struct probe *p, const char *name, const char *value, double seconds)
{
    if (put(p, name, value, 1) != 0) return -1;
    return probe_completed(p, name, seconds);
}

static void on_event(struct event_handler_args args)
{
    struct channel *c = args.usr;
    struct probe *p = c->probe;
    if (args.status != ECA_NORMAL) return;
    pthread_mutex_lock(&p->lock);
    if (p->event_count < EVENTS) {
        struct probe_event *e = &p->events[p->event_count++];
        e->name = c->name;
        e->time = now() - p->start;
        if (args.type == DBR_STS_CHAR) {
            const struct dbr_sts_char *v = args.dbr;
            size_t length = strnlen((const char *)&v->value, (size_t)args.count);
            if (length >= sizeof e->value) length = sizeof e->value - 1;
            memcpy(e->value, &v->value, length);
            e->value[length] = '\0';
            e->severity = v->severity;
        } else if (args.type == DBR_STS_ENUM) {
            const struct dbr_sts_enum *v = args.dbr;
            if (v->value < c->labels.no_str)
                snprintf(e->value, sizeof e->value, "%.*s", MAX_ENUM_STRING_SIZE,
                         c->labels.strs[v->value]);
            else
                snprintf(e->value, sizeof e->value, "%u", v->value);
            e->severity = v->severity;
        } else {
            const struct dbr_sts_string *v = args.dbr;
            snprintf(e->value, sizeof e->value, "%.*s", MAX_STRING_SIZE, v->value);
            e->severity = v->severity;
        }
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
}

/* An enumeration comes as its number: as a string the server sends the label of the record's value
 * at the time of sending, which may be a later one. */
static int subscribe(struct channel *c)
{
    struct answer a;
    chtype type = is_text(c) ? DBR_STS_CHAR : DBR_STS_STRING;
    if (ca_field_type(c->id) == DBF_ENUM) {
        type = DBR_STS_ENUM;
        if (fetch(c, DBR_CTRL_ENUM, 1, &a) != 0) return -1;
        c->labels = *(struct dbr_ctrl_enum *)a.copy;
        free(a.copy);
    }
    int status = ca_create_subscription(type, is_text(c) ? 0 : 1, c->id, DBE_VALUE | DBE_ALARM,
                                        on_event, c, &c->subscription);
    if (status == ECA_NORMAL) return 0;
    testDiag("watching %s%s: %s", c->probe->prefix, c->name, ca_message(status));
    return -1;
}

int probe_watch(struct probe *p, const char *const *names, int count)
{
    int from = probe_mark(p), *fresh = calloc((size_t)count, sizeof *fresh), rc = 0;
    if (!fresh) testAbort("no memory");
    rc = probe_connect(p, names, count);
    for (int i = 0; i < count && rc == 0; i++) {
        struct channel *c = find(p, names[i]);
        fresh[i] = !c->subscription;
        if (fresh[i]) rc = subscribe(c);
    }
    ca_flush_io();
    for (int i = 0; i < count && rc == 0; i++)
        if (fresh[i] && probe_wait(p, from, names[i], NULL, PATIENCE) < 0) rc = -1;
    free(fresh);
    return rc;
}

int probe_mark(struct probe *p)
{
    pthread_mutex_lock(&p->lock);
    int mark = p->event_count;
    pthread_mutex_unlock(&p->lock);
    return mark;
}

int probe_event(struct probe *p, int index, struct probe_event *ret)
{
    pthread_mutex_lock(&p->lock);
    int there = index < p->event_count;
    if (there) *ret = p->events[index];
    pthread_mutex_unlock(&p->lock);
    return there;
}

int probe_wait(struct probe *p, int index, const char *name, const char *value, double seconds)
{
    double deadline = now() + seconds;
    int found = -1;
    pthread_mutex_lock(&p->lock);
    do {
        for (; index < p->event_count && found < 0; index++) {
            const struct probe_event *e = &p->events[index];
            if (strcmp(e->name, name) == 0 && (!value || strcmp(e->value, value) == 0))
                found = index;
        }
    } while (found < 0 && wait_change(p, deadline));
    pthread_mutex_unlock(&p->lock);
    if (found < 0) testDiag("%s never was %s in %g s", name, value ? value : "updated", seconds);
    return found;
}

int probe_until(struct probe *p, const char *name, const char *value, double seconds)
{
    char found[600];
    int from = probe_mark(p);
    if (probe_watch(p, &name, 1) != 0 || probe_get(p, name, found, sizeof found) != 0) return -1;
    if (strcmp(found, value) == 0) return 0;
    return probe_wait(p, from, name, value, seconds) < 0 ? -1 : 0;
}

void probe_tell(struct probe *p, int index)
{
    struct probe_event e;
    for (; probe_event(p, index, &e); index++)
        testDiag("%8.3f %s = %s%s", e.time, e.name, e.value, e.severity ? " (alarm)" : "");
}

/* All the numeric DBR_CTRL structs have these fields. */
#define DESCRIBE_NUMBER(ret, v)                                                                    \
    do {                                                                                           \
        (ret)->severity = (v)->severity;                                                           \
        (ret)->low = (double)(v)->lower_ctrl_limit;                                                \
        (ret)->high = (double)(v)->upper_ctrl_limit;                                               \
        (ret)->display_low = (double)(v)->lower_disp_limit;                                        \
        (ret)->display_high = (double)(v)->upper_disp_limit;                                       \
        (ret)->warning_low = (double)(v)->lower_warning_limit;                                     \
        (ret)->warning_high = (double)(v)->upper_warning_limit;                                    \
        (ret)->alarm_low = (double)(v)->lower_alarm_limit;                                         \
        (ret)->alarm_high = (double)(v)->upper_alarm_limit;                                        \
        snprintf((ret)->units, sizeof(ret)->units, "%.*s", MAX_UNITS_SIZE, (v)->units);            \
    } while (0)

static void describe_enum(struct probe_facts *ret, const struct dbr_ctrl_enum *e)
{
    ret->severity = e->severity;
    for (int i = 0; i < e->no_str; i++) {
        size_t used = strlen(ret->labels);
        snprintf(ret->labels + used, sizeof ret->labels - used, "%s%.*s", i ? "|" : "",
                 MAX_ENUM_STRING_SIZE, e->strs[i]);
    }
}

int probe_describe(struct probe *p, const char *name, struct probe_facts *ret)
{
    struct channel *c = find(p, name);
    struct answer a;
    if (!c) return -1;
    memset(ret, 0, sizeof *ret);
    int type = ca_field_type(c->id);
    snprintf(ret->type, sizeof ret->type, "%s", dbf_type_to_text(type) + strlen("DBF_"));
    ret->count = (long)ca_element_count(c->id);
    ret->writable = (int)ca_write_access(c->id);
    ret->precision = -1;
    if (fetch(c, dbf_type_to_DBR_CTRL(type), 1, &a) != 0) return -1;
    switch (type) {
    case DBF_STRING: ret->severity = ((struct dbr_sts_string *)a.copy)->severity; break;
    case DBF_ENUM: describe_enum(ret, a.copy); break;
    case DBF_CHAR: DESCRIBE_NUMBER(ret, (struct dbr_ctrl_char *)a.copy); break;
    case DBF_SHORT: DESCRIBE_NUMBER(ret, (struct dbr_ctrl_short *)a.copy); break;
    case DBF_LONG: DESCRIBE_NUMBER(ret, (struct dbr_ctrl_long *)a.copy); break;
    case DBF_FLOAT:
        DESCRIBE_NUMBER(ret, (struct dbr_ctrl_float *)a.copy);
        ret->precision = ((struct dbr_ctrl_float *)a.copy)->precision;
        break;
    case DBF_DOUBLE:
        DESCRIBE_NUMBER(ret, (struct dbr_ctrl_double *)a.copy);
        ret->precision = ((struct dbr_ctrl_double *)a.copy)->precision;
        break;
    }
    free(a.copy);
    return 0;
}
