/* What the environment of a client or of an IOC makes of libca. */
#include "lib/check.h"
#include "lib/plain.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_TEXT = 100000 };

static char text[LONG_TEXT + 1];

static const char device_text[] = "row text big:UCHAR rw text config\n"
                                  "row ai ai rw any config\n";

/* A client that may take 16 KiB at most. libca's own get would never end. */
static void test_small_client(void)
{
    setenv("EPICS_CA_AUTO_ARRAY_BYTES", "NO", 1);
    setenv("EPICS_CA_MAX_ARRAY_BYTES", "16384", 1);
    oph_context *ctx = plain_context(0, 3, 0);
    oph_device *dev = plain_device(ctx, device_text);
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    double number = 0;

    plain_connect(ctx, dev);
    int rc = oph_signal_read(plain_signal(dev, "text"), NULL, &value, &err);
    check_refused(rc, &err, OPH_ETIMEOUT, "dev.text", "p:big:UCHAR", "a value", NULL);
    rc = oph_put(dev, "text", (const char *)text, &err); /* sent, but never read back */
    check_refused(rc, &err, OPH_ETIMEOUT, "dev.text", "p:big:UCHAR", "xxxx", NULL);
    check_done(oph_get_double(dev, "ai", &number, &err), &err, "what is small is read");
    oph_device_free(dev);
    oph_context_free(ctx);
    unsetenv("EPICS_CA_AUTO_ARRAY_BYTES");
    unsetenv("EPICS_CA_MAX_ARRAY_BYTES");
}

/* An IOC that may send 16 KiB at most. */
static void test_small_server(void)
{
    setenv("EPICS_CA_AUTO_ARRAY_BYTES", "NO", 1);
    setenv("EPICS_CA_MAX_ARRAY_BYTES", "16384", 1);
    struct sim *plain = plain_start();
    unsetenv("EPICS_CA_AUTO_ARRAY_BYTES");
    unsetenv("EPICS_CA_MAX_ARRAY_BYTES");
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row big big:LONG rw array config\n"
                                        "row double of:DOUBLE rw array config\n");
    const oph_read_options all = {.size = sizeof all, .count = 4194304};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;

    plain_connect(ctx, dev);
    int rc = oph_signal_read(plain_signal(dev, "big"), &all, &value, &err);
    check_refused(rc, &err, OPH_ERANGE, "dev.big", "p:big:LONG", "a value", NULL);
    check_done(oph_signal_put(plain_signal(dev, "double"), OPH_DOUBLE(1), NULL, &err), &err,
               "what is small is written");
    oph_device_free(dev);
    oph_context_free(ctx);
    sim_stop(plain);
}

/* libca would print a line and go on with a number of its own. */
static void test_numbers(void)
{
    static const struct {
        const char *name, *value, *found;
    } rows[] = {{"EPICS_CA_CONN_TMO", "thirty", "'thirty'"},
                {"EPICS_CA_SERVER_PORT", "80", "'80'"},
                {"EPICS_CA_REPEATER_PORT", "none", "'none'"},
                {"EPICS_CA_MAX_ARRAY_BYTES", "16k", "'16k'"},
                {"EPICS_CA_MAX_SEARCH_PERIOD", "1 min", "'1 min'"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        oph_context *ctx = plain_context(0, 0, 0);
        oph_device *dev = plain_device(ctx, device_text);
        double number;
        oph_error err = OPH_ERROR_INIT;
        setenv(rows[i].name, rows[i].value, 1);
        int rc = oph_get_double(dev, "ai", &number, &err);
        testOk(rc == OPH_EINVAL && strstr(err.text, rows[i].name) &&
                   strstr(err.text, rows[i].found),
               "%s: %s", oph_code_name(rc), err.text);
        unsetenv(rows[i].name);
        oph_device_free(dev);
        oph_context_free(ctx);
    }
}

/* One context, two IOCs; and a place where nobody is. */
static void test_several_servers(const struct sim *plain, const struct sim *sim)
{
    char servers[100], before[100];
    oph_device *dev = NULL, *cam = NULL;
    double number = 0;
    int64_t images = 0;
    oph_error err = OPH_ERROR_INIT;

    oph__copy(before, sizeof before, getenv("EPICS_CA_NAME_SERVERS"));
    oph__format(servers, sizeof servers, "127.0.0.1:1 127.0.0.1:%d 127.0.0.1:%d", sim_port(sim),
                sim_port(plain));
    setenv("EPICS_CA_NAME_SERVERS", servers, 1);
    oph_context *ctx = plain_context(0, 0, 0);
    dev = plain_device(ctx, device_text);
    check_done(oph_class_parse(ctx, "class Cam\nrow images NumImages rbv int config\n", "test",
                               NULL, &err),
               &err, "a class");
    check_done(oph_device_new(ctx, "Cam", "Pilatus:cam1:", "cam", &cam, &err), &err, "a camera");
    check_done(oph_get_double(dev, "ai", &number, &err), &err, "one IOC");
    check_done(oph_get_int(cam, "images", &images, &err), &err, "the other");
    check_done(oph_put(cam, "images", images + 1, &err), &err, "is written");
    check_done(oph_put(dev, "ai", number + 1, &err), &err, "and the first");
    oph_device_free(dev);
    oph_device_free(cam);
    oph_context_free(ctx);
    setenv("EPICS_CA_NAME_SERVERS", before, 1);
}

int main(void)
{
    testPlan(0);
    memset(text, 'x', LONG_TEXT);
    quiet_begin();
    struct sim *sim = sim_start(NULL), *plain = plain_start();
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, device_text);
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_put(dev, "text", (const char *)text, &err), &err, "a long text");
    oph_device_free(dev);
    oph_context_free(ctx);
    test_small_client();
    test_numbers();
    test_several_servers(plain, sim);
    sim_stop(plain);
    sim_stop(sim);
    test_small_server();
    quiet_end();
    return testDone();
}
