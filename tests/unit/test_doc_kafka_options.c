/* What the sink that sends runs to Kafka refuses before there is any run. */
#include <cophyd/documents.h>

#include "lib/c11_threads.h"
#include "lib/check.h"
#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static void refuses(const char *brokers, const char *topic, const char *folder,
                    const oph_document_kafka_options *opt, int code, const char *text)
{
    oph_error err = OPH_ERROR_INIT;
    oph_document_kafka *sink = (void *)&err; /* stays as it is */
    int rc = oph_document_kafka_open(brokers, topic, folder, opt, &sink, &err);
    int ok = rc == code && err.code == code && strstr(err.text, text) && sink == (void *)&err;
    testOk(ok, "%s: %s", oph_code_name(rc), err.text);
    if (!ok) testDiag("expected %s, %s", oph_code_name(code), text);
}

#ifdef OPH_HAVE_RDKAFKA
static void refuses_property(const char *property, const char *text)
{
    const char *const properties[] = {"linger.ms=1", property, NULL};
    oph_document_kafka_options opt = {.size = sizeof opt, .properties = properties};
    refuses("localhost", "t", NULL, &opt, OPH_EINVAL, text);
}
#endif

int main(void)
{
    oph_document_kafka_options opt = {.size = 1};
    testPlan(0);
    c11_threads();
    refuses(NULL, "t", NULL, NULL, OPH_EINVAL, "a Kafka sink: wanted brokers, found none");
    refuses("localhost", "", NULL, NULL, OPH_EINVAL, "a Kafka sink: wanted a topic, found none");
    refuses("localhost", "t", NULL, &opt, OPH_EINVAL, "the size of oph_document_kafka_options");
    opt = (oph_document_kafka_options){.size = sizeof opt, .flush_timeout = -1};
    refuses("localhost", "t", NULL, &opt, OPH_EINVAL, "timeouts of 0 or more");
    opt = (oph_document_kafka_options){.size = sizeof opt, .hold_timeout = (double)NAN};
    refuses("localhost", "t", NULL, &opt, OPH_EINVAL, "timeouts of 0 or more");
    refuses("localhost", "t", "/nowhere", NULL, OPH_EFILE, "/nowhere: keeping runs there: No such");
#ifdef OPH_HAVE_RDKAFKA
    refuses_property("compression.codec", "as name=value, found \"compression.codec\"");
    refuses_property("no.such=1", "No such configuration property: \"no.such\"");
    refuses_property("linger.ms=soon", "Invalid value");
    refuses_property("acks=1", "`acks` must be set to `all`");
    refuses_property("bootstrap.servers=other", "bootstrap.servers is not for users");
    refuses_property("transactional.id=x", "transactional.id is not for users");
    refuses_property("enable.idempotence=false", "enable.gapless.guarantee");
#else
    refuses("localhost", "t", NULL, NULL, OPH_EABSENT,
            "Kafka topic t at localhost: libcophyd-doc was built without librdkafka: apt-get "
            "install -y librdkafka-dev, and build cophyd again");
    oph_document_kafka_free(NULL);
#endif
    return testDone();
}
