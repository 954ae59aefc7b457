#include "lib/plain.h"
#include "lib/check.h"
#include "lib/count.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sim *plain_start_with(const char *const *arguments)
{
    char program[1024] = "";
    ssize_t n = readlink("/proc/self/exe", program, 900);

    if (n <= 0) testAbort("no path to this test");
    char *slash = strrchr(program, '/');
    snprintf(slash, 100, "/plain_ioc");
    setenv("COPHYD_SIM", program, 1);
    return sim_start(arguments);
}

struct sim *plain_start(void)
{
    return plain_start_with(NULL);
}

enum { LONG = 20 }; /* seconds, for a busy machine */

oph_context *plain_context(double connect, double get, double put)
{
    const oph_context_options options = {.size = sizeof options,
                                         .connect_timeout = connect > 0 ? connect : LONG,
                                         .get_timeout = get > 0 ? get : LONG,
                                         .put_timeout = put > 0 ? put : LONG};
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_context_new(&options, &ctx, &err)) testAbort("%s", err.text);
    return ctx;
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

void plain_connect(oph_context *ctx, oph_device *dev)
{
    oph_group *group = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_group_new(ctx, &group, &err);

    for (size_t i = 0; i < oph_device_attr_count(dev) && !rc; i++)
        rc = oph_group_connect(group, plain_signal(dev, oph_device_attr_at(dev, i)), &err);
    if (!rc) rc = oph_group_run(group, 20, NULL, &err);
    if (rc) testAbort("not all PVs connect: %s", err.text);
    oph_group_free(group);
}

void plain_settle(oph_context *ctx, oph_device *dev)
{
    oph_properties p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;

    plain_connect(ctx, dev);
    for (size_t i = 0; i < oph_device_attr_count(dev); i++) {
        oph_signal *sig = plain_signal(dev, oph_device_attr_at(dev, i));
        int rc = oph_signal_properties(sig, OPH_PART_READBACK, 20, &p, &err);
        if (rc && rc != OPH_EACCESS) testAbort("%s", err.text);
    }
}

int32_t plain_dtype(const char *type)
{
    static const struct {
        const char *name;
        int32_t dtype;
    } all[] = {{"STRING", OPH_TEXT},   {"SHORT", OPH_INT16}, {"FLOAT", OPH_FLOAT32},
               {"ENUM", OPH_ENUM},     {"CHAR", OPH_UINT8},  {"LONG", OPH_INT32},
               {"DOUBLE", OPH_FLOAT64}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, type) == 0) return all[i].dtype;
    return OPH_NONE;
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

void plain_refused(oph_signal *sig, const oph_data *data, const oph_put_options *opt, int code,
                   const char *pv, const char *found)
{
    enum { TRIES = 3 }; /* a message of another origin does not come each time */
    oph_error err = OPH_ERROR_INIT;
    bool quiet = false;
    int rc = 0;

    for (int i = 0; i < TRIES && !quiet; i++) {
        struct counts before = count_now();
        rc = oph_signal_put(sig, data, opt, &err);
        struct counts counts = count_since(&before);
        quiet = count_is_quiet(&counts);
    }
    check_refused(rc, &err, code, oph_signal_path(sig), pv, NULL, found);
    testOk(quiet, "and nothing is sent");
}

static int terminal = -1, kept = -1; /* the standard error as it was, and what it is meanwhile */

void quiet_begin(void)
{
    char name[] = "/tmp/cophyd-stderr-XXXXXX";

    fflush(stderr);
    kept = mkostemp(name, O_CLOEXEC | O_APPEND);
    terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (kept < 0 || terminal < 0 || dup2(kept, STDERR_FILENO) < 0) testAbort("no standard error");
    unlink(name);
}

void quiet_end(void)
{
    char text[2048];

    fflush(stderr);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    ssize_t got = pread(kept, text, sizeof text - 1, 0);
    close(kept);
    text[got > 0 ? got : 0] = '\0';
    testOk(got == 0, "nothing was printed to the standard error");
    char *rest = text, *line;
    while (got > 0 && (line = strsep(&rest, "\n")))
        if (*line) testDiag("printed: %s", line);
}
