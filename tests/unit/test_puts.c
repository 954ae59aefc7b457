/* core/puts: who is told of each put, what it was before, and that a put can be refused. */
#include "lib/things.h"

#include <epicsUnitTest.h>
#include <string.h>

struct told {
    int count;
    int32_t answer;
    char text[512]; /* the newest */
};

static int32_t tell(void *user, const oph_put_notice *put)
{
    struct told *told = user;
    told->count++;
    snprintf(told->text, sizeof told->text, "%s %s: %s, was %s", put->device, put->pv, put->value,
             put->before ? put->before : "?");
    return told->answer;
}

static void is_told(const struct told *told, int count, const char *text)
{
    testOk(told->count == count && !strcmp(told->text, text), "%d: %s", told->count, told->text);
}

static void test_told(struct told *told)
{
    double number;
    oph_error err = OPH_ERROR_INIT;
    testOk1(oph_signal_put(thing("number"), OPH_INT(1), NULL, &err) == 0 && told->count == 0);
    oph_context_on_put(things_context(), tell, told);
    testOk1(oph_signal_put(thing("number"), OPH_INT(2), NULL, &err) == 0);
    is_told(told, 1, "dev.number X:Number: 2, was ?");
    testOk1(oph_signal_put(thing("number"), OPH_INT(3), NULL, &err) == 0);
    is_told(told, 2, "dev.number X:Number: 3, was 2");
    testOk1(oph_signal_get_double(thing("number"), &number, &err) == 0 && number == 3);
    testOk1(told->count == 2);
}

static void test_refused(struct told *told)
{
    oph_error err = OPH_ERROR_INIT;
    told->answer = 1;
    fake_forget_puts();
    int rc = oph_signal_put(thing("number"), OPH_INT(4), NULL, &err);
    testOk(rc == OPH_EACCESS && strstr(err.text, "X:Number"), "%s", err.text);
    testOk1(!fake_puts()[0]);
    is_told(told, 3, "dev.number X:Number: 4, was 3");
    told->answer = 0;
    testOk1(oph_signal_put(thing("number"), OPH_INT(5), NULL, &err) == 0);
    is_told(told, 4, "dev.number X:Number: 5, was 3");
    oph_context_on_put(things_context(), NULL, NULL);
    testOk1(oph_signal_put(thing("number"), OPH_INT(6), NULL, &err) == 0 && told->count == 4);
}

/* What stands after a put that failed, or that had no answer, is not known. */
static void test_failed(struct told *told)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context_on_put(things_context(), tell, told);
    for (int i = 0; i < 2; i++) {
        testOk1(oph_signal_put(thing("number"), OPH_INT(7), NULL, &err) == 0);
        fake_rule("X:Number", i ? FAKE_WITHHOLD : FAKE_REFUSE);
        testOk1(oph_signal_put(thing("number"), OPH_INT(8), NULL, &err) ==
                (i ? OPH_ETIMEOUT : OPH_EPUT));
        fake_rule("X:Number", FAKE_FOLLOW);
        testOk1(oph_signal_put(thing("number"), OPH_INT(9), NULL, &err) == 0);
        is_told(told, 7 + 3 * i, "dev.number X:Number: 9, was ?");
    }
}

int main(void)
{
    struct told told = {0};
    testPlan(0);
    things_begin();
    test_told(&told);
    test_refused(&told);
    test_failed(&told);
    things_end();
    return testDone();
}
