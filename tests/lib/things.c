#include "lib/things.h"

#include "base/str.h"

#include <epicsUnitTest.h>

static const char classes[] = "class Things\n"
                              "row number   Number   rbv   int   config\n"
                              "row real     Real     rbv   float config\n"
                              "row choice   Choice   rbv   enum  config\n"
                              "row text     Text     rbv   text  config\n"
                              "row path     Path     path  text  config\n"
                              "row chars    Chars    rw    text  config\n"
                              "row array    Array    rw    array config\n"
                              "row bytes    Bytes    rw    array config\n"
                              "row words    Words    rw    array config\n"
                              "row go       Go       start enum  omitted\n"
                              "row constant Constant ro    int   config\n"
                              "row locked   Locked   rw    int   config\n"
                              "row away     Away     rw    int   config\n"
                              "row gone     Gone     rw    int   config\n";

static oph_context *ctx;
static oph_device *dev;

static void both(const char *name, int32_t dtype, uint32_t count, const char *labels,
                 const char *value)
{
    char readback[40];
    fake_pv(name, dtype, count, labels, value);
    fake_pv(oph__format(readback, sizeof readback, "%s_RBV", name), dtype, count, labels, value);
}

oph_device *things_begin(void)
{
    oph_error err = OPH_ERROR_INIT;
    fake_begin();
    both("X:Number", OPH_INT32, 1, "", "7");
    both("X:Real", OPH_FLOAT64, 1, "", "0.5");
    both("X:Choice", OPH_ENUM, 1, "Zero,One,Two", "1");
    both("X:Text", OPH_TEXT, 1, "", "hello");
    both("X:Path", OPH_UINT8, 256, "", "/a/");
    fake_rule("X:Path", FAKE_PATH);
    fake_pv("X:Chars", OPH_UINT8, 256, "", "a text");
    fake_pv("X:Array", OPH_FLOAT64, 4, "", "0");
    fake_pv("X:Bytes", OPH_UINT8, 16, "", "");
    fake_pv("X:Words", OPH_TEXT, 3, "", "x");
    both("X:Go", OPH_ENUM, 1, "Done,Acquire", "0");
    fake_pv("X:Constant", OPH_INT32, 1, "", "3");
    fake_pv("X:Locked", OPH_INT32, 1, "", "8");
    fake_read_only("X:Locked");
    fake_pv("X:Away", OPH_INT32, 1, "", "0");
    fake_down("X:Away");
    ctx = fake_context(classes, NULL);
    if (oph_device_new(ctx, "Things", "X:", "dev", &dev, &err)) testAbort("%s", err.text);
    return dev;
}

oph_context *things_context(void)
{
    return ctx;
}

void things_end(void)
{
    oph_device_free(dev);
    oph_context_free(ctx);
    testOk(fake_end() == 0, "no channel is left");
}

oph_signal *thing(const char *attr)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_find(dev, attr, &sig, &err)) testAbort("%s", err.text);
    return sig;
}
