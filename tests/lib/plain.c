#include "lib/plain.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sim *plain_start(void)
{
    char program[1024] = "";
    ssize_t n = readlink("/proc/self/exe", program, 900);

    if (n <= 0) testAbort("no path to this test");
    char *slash = strrchr(program, '/');
    snprintf(slash, 100, "/plain_ioc");
    setenv("COPHYD_SIM", program, 1);
    return sim_start(NULL);
}

oph_device *plain_device(oph_context *ctx, const char *lines)
{
    static int number;
    char name[16];
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;

    snprintf(name, sizeof name, "Plain%d", number++);
    char *text = oph__dupf("class %s\n%s", name, lines);
    if (!text || oph_class_parse(ctx, text, "test", NULL, &err) ||
        oph_device_new(ctx, name, "p:", "dev", &dev, &err))
        testAbort("%s", err.text);
    free(text);
    return dev;
}

oph_signal *plain_signal(oph_device *dev, const char *attr)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_signal_find(dev, attr, &sig, &err)) testAbort("%s", err.text);
    return sig;
}

static int await_connection(oph_queue *queue, oph_error *err)
{
    oph_event *event = NULL;
    int rc;

    do {
        rc = oph_queue_next(queue, 20, &event, err);
        if (rc) return rc;
        int32_t kind = oph_event_kind(event);
        oph_event_free(event);
        if (kind == OPH_EVENT_CONNECTED) return 0;
    } while (!rc);
    return rc;
}

void plain_connect(oph_context *ctx, oph_device *dev)
{
    const oph_subscribe_options opt = {.size = sizeof opt, .mask = OPH_ON_PROPERTY, .depth = 1};
    size_t count = oph_device_attr_count(dev);
    oph_subscription **subs = calloc(count, sizeof *subs);
    oph_queue *queue = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = subs ? oph_queue_new(ctx, &queue, &err) : OPH_ENOMEM;

    for (size_t i = 0; i < count && !rc; i++)
        rc = oph_subscribe_queue(plain_signal(dev, oph_device_attr_at(dev, i)), &opt, queue, NULL,
                                 &subs[i], &err);
    for (size_t i = 0; i < count && !rc; i++)
        rc = await_connection(queue, &err);
    if (rc) testAbort("not all PVs connect: %s", err.text);
    for (size_t i = 0; i < count; i++)
        oph_subscription_free(subs[i]);
    oph_queue_free(queue);
    free(subs);
}

static void add_element(struct oph__buf *buf, const oph_value *value, size_t i)
{
    const void *data = oph_value_data(value);
    char number[32];

    switch (oph_value_dtype(value)) {
    case OPH_UINT8: oph__buf_addf(buf, "%d", ((const uint8_t *)data)[i]); break;
    case OPH_INT16: oph__buf_addf(buf, "%d", ((const int16_t *)data)[i]); break;
    case OPH_INT32: oph__buf_addf(buf, "%d", ((const int32_t *)data)[i]); break;
    case OPH_ENUM: oph__buf_addf(buf, "%d", ((const uint16_t *)data)[i]); break;
    case OPH_TEXT: oph__buf_addf(buf, "%.40s", (const char *)data + 40 * i); break;
    case OPH_FLOAT32:
        oph__buf_add(buf, oph__from_double(number, sizeof number, ((const float *)data)[i]));
        break;
    case OPH_FLOAT64:
        oph__buf_add(buf, oph__from_double(number, sizeof number, ((const double *)data)[i]));
        break;
    default: oph__buf_add(buf, "?"); break;
    }
}

char *plain_show(const oph_value *value, char *dst, size_t size)
{
    struct oph__buf buf = {0};
    size_t count = oph_value_count(value);
    bool array = count != 1;

    if (array) oph__buf_add(&buf, "[");
    for (size_t i = 0; i < count; i++) {
        if (i) oph__buf_add(&buf, oph_value_dtype(value) == OPH_TEXT ? "|" : " ");
        add_element(&buf, value, i);
    }
    if (array) oph__buf_add(&buf, "]");
    oph__copy(dst, size, buf.text);
    oph__buf_free(&buf);
    return dst;
}
