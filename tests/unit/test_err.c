/* base/err and base/report: one sentence an error, nothing cut silently. */
#include "base/err.h"
#include "base/str.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static void is_text(const oph_error *err, const char *text)
{
    testOk(strcmp(err->text, text) == 0, "%s", text);
    if (strcmp(err->text, text) != 0) testDiag("found: %s", err->text);
}

static void test_sentences(void)
{
    oph_error err = OPH_ERROR_INIT;
    struct oph__at at = {"det.cam.acquire_time", "Pilatus:cam1:AcquireTime", 1.0};

    testOk1(oph__fail(&err, OPH_EMISMATCH, at, "0.1", "%.1f", 0.2) == OPH_EMISMATCH);
    is_text(&err,
            "det.cam.acquire_time (Pilatus:cam1:AcquireTime): wanted 0.1, found 0.2, after 1.0 s");
    testOk1(err.code == OPH_EMISMATCH && err.waited == 1.0 && strcmp(err.device, at.device) == 0 &&
            strcmp(err.pv, at.pv) == 0 && strcmp(err.wanted, "0.1") == 0 &&
            strcmp(err.found, "0.2") == 0);

    oph__fail(&err, OPH_EDISCONN, (struct oph__at){.pv = "X:y"}, NULL, "not connected");
    is_text(&err, "X:y: not connected");
    testOk1(err.waited < 0 && !*err.device && !*err.wanted);
    oph__fail(&err, OPH_ETIMEOUT, (struct oph__at){.device = "det", .waited = 0.05}, "Idle", NULL);
    is_text(&err, "det: wanted Idle, after 0.05 s");
    oph__fail(&err, OPH_ETIMEOUT, (struct oph__at){.waited = 120}, "Idle", "Busy");
    is_text(&err, "wanted Idle, found Busy, after 120.0 s");
    oph__fail(&err, OPH_EPUT, (struct oph__at){.device = "det"}, "a\nb", "c\x01%s", "\td");
    is_text(&err, "det: wanted a b, found c  d");

    testOk1(oph__fail_text(&err, OPH_EINVAL, "class '%s' is empty", "X") == OPH_EINVAL);
    is_text(&err, "class 'X' is empty");
    testOk1(oph__fail_memory(&err, "a channel") == OPH_ENOMEM);
    is_text(&err, "no memory for a channel");
    oph__fail_text(&err, OPH_ECA, "again: %s", err.text);
    is_text(&err, "again: no memory for a channel");
    testOk1(oph__fail(NULL, OPH_ECA, at, "a", "b") == OPH_ECA &&
            oph__fail_text(NULL, OPH_ECA, "x") == OPH_ECA);
}

static void test_cuts(void)
{
    char longest[2000];
    oph_error err = OPH_ERROR_INIT;

    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    oph__fail(&err, OPH_EINVAL, (struct oph__at){longest, longest, 1e6}, longest, "%s", longest);
    testOk1(oph__ends(err.device, "x[cut]") && strlen(err.device) == sizeof err.device - 1);
    testOk1(oph__ends(err.pv, "x[cut]") && oph__ends(err.wanted, "x[cut]"));
    testOk1(oph__ends(err.found, "x[cut]") && strlen(err.found) == sizeof err.found - 1);
    testOk(oph__ends(err.text, ", after 1000000.0 s"), "the longest parts fit into the sentence");
    oph__fail_text(&err, OPH_EINVAL, "%s", longest);
    testOk1(oph__ends(err.text, "x[cut]") && strlen(err.text) == sizeof err.text - 1);
}

static void test_codes(void)
{
    testOk1(strcmp(oph_code_name(0), "OPH_OK") == 0);
    testOk1(strcmp(oph_code_name(OPH_ETIMEOUT), "OPH_ETIMEOUT") == 0);
    testOk1(strcmp(oph_code_name(OPH_EUNPRIMED), "OPH_EUNPRIMED") == 0);
    testOk1(strcmp(oph_code_name(OPH_ESYSTEM), "OPH_ESYSTEM") == 0);
    testOk1(strcmp(oph_code_name(1), "OPH_?") == 0 && strcmp(oph_code_name(-24), "OPH_?") == 0);
    testOk1(strcmp(oph_code_name(INT32_MIN), "OPH_?") == 0);
}

static char *printed(const oph_report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    oph_report_print(report, out);
    fclose(out);
    return text;
}

static void test_report(void)
{
    oph_report *report = oph__report_new(), *given = NULL;
    oph_error err = OPH_ERROR_INIT;

    oph__report_add(report, &err);
    testOk(oph_report_count(report) == 0, "what is no error is not added");
    oph__fail_text(&err, OPH_EINVAL, "first");
    oph__report_add(report, &err);
    const oph_error *first = oph_report_at(report, 0);
    oph__fail_text(&err, OPH_EPUT, "second");
    for (int i = 0; i < 50; i++)
        oph__report_add(report, &err);
    testOk1(oph_report_count(report) == 51 && oph_report_at(report, 0) == first);
    testOk1(first->code == OPH_EINVAL && oph_report_at(report, 50)->code == OPH_EPUT);
    testOk1(!oph_report_at(report, 51) && !oph_report_at(NULL, 0) && oph_report_count(NULL) == 0);

    char *text = printed(report);
    testOk1(oph__starts(text, "cophyd: first\ncophyd: second\n"));
    free(text);

    oph__report_give(report, &given);
    testOk1(given == report);
    oph__report_give(oph__report_new(), NULL);
    oph__report_add(NULL, &err);
    oph_report_free(given);
    oph_report_free(NULL);
}

int main(void)
{
    testPlan(0);
    test_sentences();
    test_cuts();
    test_codes();
    test_report();
    return testDone();
}
