/* Devices are freed, and another takes their place while the IOC is still busy with the end of the
 * first. libca would put its PVs on the circuit that just ends, and connect them 10 s later. */
#include "lib/ca_proxy.h"
#include "lib/check.h"
#include "lib/plain.h"

#include <epicsUnitTest.h>

static const double SOON = 5;

static int get(oph_device *dev, const char *attr, oph_error *err)
{
    double value;

    return oph_signal_get_double(plain_signal(dev, attr), &value, err);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;

    testPlan(3);
    struct sim *plain = plain_start();
    struct ca_proxy *proxy = ca_proxy_start_udp(sim_port(plain));
    oph_context *ctx = plain_context(SOON, 0, 0);
    oph_device *one = plain_device(ctx, "row ao ao rw any config\n");
    check_done(get(one, "ao", &err), &err, "a first device");
    oph_device *two = plain_device(ctx, "row bo bo rw any config\n");
    check_done(get(two, "bo", &err), &err, "another");
    ca_proxy_linger(proxy);
    oph_device_free(one);
    oph_device_free(two);
    oph_device *again = plain_device(ctx, "row ao ao rw any config\n");
    check_done(get(again, "ao", &err), &err, "one that takes their place");
    oph_device_free(again);
    oph_context_free(ctx);
    ca_proxy_stop(proxy);
    sim_stop(plain);
    return testDone();
}
