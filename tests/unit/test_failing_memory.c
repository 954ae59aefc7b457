/* The library's own allocations failed in turn: each is told of, nothing is left behind, and what
 * was staged is put back. */
#include "lib/failing.h"
#include "lib/failing_device.h"

#include <epicsUnitTest.h>

static const char mistakes[] = "class Part : Missing\n"
                               "row number Number rbv int config\n"
                               "row number Number rbv int config\n"
                               "stage . nothing=1\n"
                               "what\n";

static int parse(void *user, oph_error *err)
{
    struct oph__classes *registry;
    const struct oph__class *cls;
    oph_report *report = NULL;
    int rc = oph__classes_new(NULL, NULL, &registry, err);
    if (rc) return rc;
    rc = oph__classes_parse(registry, user, "test", &report, err);
    if (!rc) rc = oph__classes_get(registry, "Whole", 0, &cls, err);
    if (!rc) rc = oph__classes_get(registry, "More@3.4", 0, &cls, err);
    if (!rc) rc = oph__classes_get(registry, "Part More", 3004, &cls, err);
    oph_report_free(report);
    oph__classes_free(registry);
    return rc;
}

static int parse_mistakes(void *user, oph_error *err)
{
    int rc = parse(user, err);
    return rc == OPH_EPARSE ? 0 : rc ? rc : OPH_EINVAL;
}

static int make_context(void *user, oph_error *err)
{
    oph_context *ctx = NULL;
    (void)user;
    int rc = failing_context(&ctx, err);
    oph_context_free(ctx);
    return rc;
}

static int use(oph_device *dev, oph_error *err)
{
    int64_t number = 0;
    double real = 0;
    int rc = oph_connect(dev, OPH_DEFAULT, NULL, err);
    if (!rc) rc = oph_get_int(dev, "part.number", &number, err);
    if (!rc) rc = oph_get_double(dev, "part.real", &real, err);
    if (!rc) rc = oph_put_int(dev, "other.number", number, err);
    return rc;
}

static int acquire(oph_device *dev, oph_error *err)
{
    return failing_acquisition(dev, NULL, err);
}

static int with_device(void *user, oph_error *err)
{
    return failing_with_device(user ? acquire : use, err);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    failing_device_begin();
    failing_in_turn("classes", parse, (void *)(uintptr_t)failing_classes);
    failing_in_turn("mistakes", parse_mistakes, (void *)(uintptr_t)mistakes);
    failing_in_turn("a context", make_context, NULL);
    if (with_device(&err, &err)) testAbort("%s", err.text); /* the fake IOC keeps some room */
    failing_in_turn("a device", with_device, NULL);
    failing_in_turn("an acquisition", with_device, &err);
    failing_device_end();
    return testDone();
}
