/* Several statuses as one, and a status as a descriptor. */
#include "base/err.h"
#include "core/status.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <poll.h>
#include <string.h>

enum { PARTS = 4 };

static oph_context *ctx;
static oph_status *parts[PARTS], *whole;

typedef int combine(oph_status *const *, size_t, oph_status **, oph_error *);

static void begin(combine *how)
{
    oph_error err = OPH_ERROR_INIT;
    for (int i = 0; i < PARTS; i++) {
        if (oph_status_new(ctx, "part", OPH_FOREVER, &parts[i], &err)) testAbort("%s", err.text);
    }
    if (how(parts, PARTS, &whole, &err)) testAbort("%s", err.text);
}

static void end(void)
{
    for (int i = 0; i < PARTS; i++) {
        oph_status_finish(parts[i], NULL);
        oph_status_unref(parts[i]);
    }
    oph_status_unref(whole);
}

static void finish(int part, int code)
{
    oph_error err = OPH_ERROR_INIT;
    if (code) oph__fail_text(&err, code, "part %d failed", part);
    testOk(oph_status_finish(parts[part], &err) == 1, "part %d ends with %d", part, code);
}

static void is(int done, int code, const char *text)
{
    oph_error err = OPH_ERROR_INIT;
    int found = oph_status_error(whole, &err);
    testOk(oph_status_done(whole) == done && found == code && !strcmp(err.text, text),
           "the whole is %s with %d", done ? "done" : "not done", code);
    if (found != code || strcmp(err.text, text) != 0) testDiag("found %d: %s", found, err.text);
}

static void test_all(void)
{
    begin(oph_status_all);
    for (int i = 0; i < PARTS; i++) {
        is(0, 0, "");
        finish(i, 0);
    }
    is(1, 0, "");
    end();

    begin(oph_status_all);
    finish(2, 0);
    finish(1, OPH_EACQUIRE);
    is(1, OPH_EACQUIRE, "part 1 failed");
    finish(0, OPH_EDISCONN);
    is(1, OPH_EACQUIRE, "part 1 failed");
    end();
}

static void test_any(void)
{
    begin(oph_status_any);
    finish(3, OPH_EACQUIRE);
    is(0, 0, "");
    finish(1, 0);
    is(1, 0, "");
    end();

    begin(oph_status_any);
    for (int i = PARTS - 1; i >= 0; i--) {
        is(0, 0, "");
        finish(i, OPH_EACQUIRE);
    }
    is(1, OPH_EACQUIRE, "part 3 failed");
    end();
}

static void test_edges(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *none = NULL;
    fake_code(oph_status_all(parts, 0, &none, &err), OPH_EINVAL, &err, "no parts");

    begin(oph_status_all);
    testOk1(oph_status_cancel(whole, &err) == 0 && oph_status_done(whole));
    testOk(oph_status_error(parts[0], NULL) == OPH_ECANCEL &&
               oph_status_error(parts[PARTS - 1], NULL) == OPH_ECANCEL,
           "cancelling the whole cancels each part");
    testOk1(oph_status_error(whole, NULL) == OPH_ECANCEL);
    testOk(oph_status_finish(whole, NULL) == 0, "only its parts finish it");
    end();

    begin(oph_status_any);
    oph_status_unref(whole); /* before its parts */
    finish(0, 0);
    whole = NULL;
    end();

    begin(oph_status_all);
    for (int i = 0; i < PARTS; i++)
        finish(i, 0);
    oph_status_unref(whole);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_status_all(parts, PARTS, &whole, &err), 0, &err, "of parts that are done");
    is(1, 0, "");
    end();
}

static int readable(int fd, int milliseconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, milliseconds);
}

static void test_descriptor(void)
{
    oph_error err = OPH_ERROR_INIT;
    int fd = -1, again = -1;
    begin(oph_status_all);
    fake_code(oph_status_fd(whole, &fd, &err), 0, &err, "a descriptor");
    testOk(readable(fd, 0) == 0, "it is not readable while the status runs");
    for (int i = 0; i < PARTS; i++)
        finish(i, 0);
    testOk(readable(fd, 5000) == 1, "it is once the status is done");
    testOk(oph_status_fd(whole, &again, &err) == 0 && again == fd, "it is always the same");
    fake_code(oph_status_fd(parts[0], &again, &err), 0, &err, "one of a status that is done");
    testOk(readable(again, 0) == 1, "it is readable at once");
    end();
    testOk(readable(fd, 0) == 1, "it goes with its status"); /* POLLNVAL */
}

int main(void)
{
    testPlan(0);
    fake_begin();
    ctx = fake_context(NULL, NULL);
    test_all();
    test_any();
    test_edges();
    test_descriptor();
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
