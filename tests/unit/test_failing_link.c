/* Channels that go down between one operation and the next, at each in turn, under each verb: it
 * works all the same, or says why not; nothing hangs, and nothing stays changed. */
#include "lib/failing.h"
#include "lib/failing_link.h"
#include "lib/failing_verbs.h"

#include <epicsUnitTest.h>

static const char *const operations[] = {"chan_new", "chan_info", "chan_type", "describe",
                                         "get",      "put",       "subscribe"};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

struct tally {
    int failed, told, wrong;
};

enum outcome { STRUCK, NOT_STRUCK, TOO_SLOW };

static enum outcome run_one(struct failing_verb *verb, const char *operation, int nth, bool stays,
                            struct tally *tally)
{
    oph_error err = OPH_ERROR_INIT;
    long before = failing_blocks();
    failing_link(operation, nth, stays);
    int rc = failing_verb_run(verb, &err);
    bool came = failing_link_end();
    if (!came && stays && rc && rc != OPH_ESTATE) return TOO_SLOW; /* this machine, just now */
    bool good = rc == 0 || (came && rc != OPH_ESTATE && err.code == rc && *err.text);
    bool clean = failing_blocks() == before && failing_device_is_as_before();
    if (!good || !clean)
        testDiag("%s, %s %d%s: %s: %s; %ld blocks are left", verb->name, operation, nth,
                 stays ? " for good" : "", oph_code_name(rc), err.text, failing_blocks() - before);
    if (!clean) failing_device_set_back();
    tally->failed += came;
    tally->told += rc != 0;
    tally->wrong += !good || !clean;
    return came ? STRUCK : NOT_STRUCK;
}

static void run_all(struct failing_verb *verb, const char *operation, bool stays,
                    struct tally *tally)
{
    int nth = 1, slow = 0;
    failing_patience(stays ? 0.05 : 5); /* what stays down is waited for in vain */
    for (;;) {
        enum outcome outcome = run_one(verb, operation, nth, stays, tally);
        if (outcome == NOT_STRUCK) return;
        if (outcome == STRUCK) nth++;
        if (outcome == TOO_SLOW && ++slow > 100) testAbort("%s: too slow", verb->name);
    }
}

int main(void)
{
    testPlan(0);
    failing_device_begin();
    for (size_t i = 0; i < FAILING_VERBS; i++) {
        struct failing_verb *verb = &failing_verbs[i];
        struct tally tally = {0};
        oph_error err = OPH_ERROR_INIT;
        if (!verb->asks) continue;
        failing_patience(5);
        if (failing_with_device(verb->fn, &err)) testAbort("%s: %s", verb->name, err.text);
        for (size_t k = 0; k < OPERATIONS; k++) {
            run_all(verb, operations[k], false, &tally);
            run_all(verb, operations[k], true, &tally);
        }
        testOk(tally.failed && !tally.wrong,
               "%s: %d operations found a channel down, %d of them were told of", verb->name,
               tally.failed, tally.told);
    }
    failing_device_end();
    return testDone();
}
