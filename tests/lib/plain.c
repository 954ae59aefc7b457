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
