/* JSON lines, given to a sink again: their text, mistakes by file and line, which runs are whole.
 */
#include <cophyd/documents.h>

#include "lib/check.h"
#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/cophyd-replay-XXXXXX";
static char path[64];

static void write_file(const char *text)
{
    FILE *out = fopen(path, "w");
    if (!out || fputs(text, out) < 0 || fclose(out)) testAbort("no file");
}

/* What came, as NAME=TEXT; each. */
struct got {
    char text[1024];
    int count, refuse;
    oph_error with; /* the error that comes with the refusal */
};

static int32_t take(void *user, const char *name, const char *json, size_t length, oph_error *err)
{
    struct got *got = user;
    if (strlen(json) != length) testAbort("another length: %s", json);
    if (++got->count == got->refuse) {
        *err = got->with;
        return 5;
    }
    size_t n = strlen(got->text);
    snprintf(got->text + n, sizeof got->text - n, "%s=%s;", name, json);
    return 0;
}

static int replay(struct got *got, oph_replayed *ret, oph_report **ret_report, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_documents_replay(path, take, got, ret, ret_report, err);
}

static void got_is(const struct got *got, const char *wanted)
{
    testOk(!strcmp(got->text, wanted), "the sink got %s", wanted);
    if (strcmp(got->text, wanted)) testDiag("it got %s", got->text);
}

static void gives_texts_as_they_are(void)
{
    struct got got = {0};
    oph_error err;
    oph_replayed done = {0};
    oph_report *report = NULL;
    write_file("[\"start\",{\"uid\":\"a\",\"time\":1.10}]\n"
               "\n"
               " [ \"ev\\u0065nt\" , {\"x\": [1e3, \"]}\\\\\"]} ] \r\n"
               "[\"stop\",{\"run_start\":\"a\"}]\n"
               "[\"start\",{\"uid\":\"b\"}]\n"
               "[\"stop\",{\"run_start\":\"b\"}]"); /* whole, though without an end */
    check_done(replay(&got, &done, &report, &err), &err, "a file is replayed");
    got_is(&got, "start={\"uid\":\"a\",\"time\":1.10};event={\"x\": [1e3, \"]}\\\\\"]} ;"
                 "stop={\"run_start\":\"a\"};start={\"uid\":\"b\"};stop={\"run_start\":\"b\"};");
    testOk1(done.documents == 5 && done.runs == 2 && done.complete == 2);
    testOk1(oph_report_count(report) == 0);
    oph_report_free(report);
    write_file("");
    got = (struct got){0};
    check_done(replay(&got, &done, NULL, &err), &err, "an empty file is replayed");
    testOk1(done.documents == 0 && done.runs == 0 && got.count == 0);
}

/* Runs may lie in each other. */
static void names_runs_without_an_end(void)
{
    struct got got = {0};
    oph_error err;
    oph_replayed done = {0};
    oph_report *report = NULL;
    char wanted[128];
    write_file(
        "[\"start\",{\"uid\":\"a\"}]\n[\"start\",{\"uid\":\"b\"}]\n[\"start\",{\"uid\":\"c\"}]\n"
        "[\"stop\",{\"run_start\":\"b\"}]\n[\"stop\",{\"run_start\":\"other\"}]\n");
    check_done(replay(&got, &done, &report, &err), &err, "a file with runs without an end");
    testOk1(done.documents == 5 && done.runs == 3 && done.complete == 1);
    testOk1(oph_report_count(report) == 2);
    const oph_error *first = oph_report_at(report, 0), *second = oph_report_at(report, 1);
    snprintf(wanted, sizeof wanted, "%s:1: the run a has no stop document", path);
    testOk(first && !strcmp(first->text, wanted), "%s", wanted);
    snprintf(wanted, sizeof wanted, "%s:3: the run c has no stop document", path);
    testOk(second && !strcmp(second->text, wanted), "%s", wanted);
    oph_report_free(report);
}

static void tells_of(const char *text, int line, const char *why, int before)
{
    struct got got = {0};
    oph_error err;
    oph_replayed done = {.runs = 77};
    oph_report *report = NULL;
    char where[100];
    write_file(text);
    int rc = replay(&got, &done, &report, &err);
    snprintf(where, sizeof where, "%s:%d: ", path, line);
    testOk(rc == OPH_EPARSE && !strncmp(err.text, where, strlen(where)) && strstr(err.text, why),
           "%s", err.text);
    testOk(got.count == before, "%d documents were before it", before);
    testOk(done.runs == 77, "no result is written");
    testOk(oph_report_count(report) == (size_t)before, "the report is there, too");
    oph_report_free(report);
}

static void tells_of_mistakes(void)
{
#define START "[\"start\",{\"uid\":\"a\"}]\n"
    tells_of(START "[\"event\",{\"a\":1]\n" START, 2, "'}' expected", 1);
    tells_of(START START "[\"event\",{\"a\":", 3, "the last line is cut off", 2);
    tells_of("{\"name\":\"start\"}\n", 1, "wanted a document as [\"name\",{...}]", 0);
    tells_of("[\"start\",[]]\n", 1, "wanted a document", 0);
    tells_of("[\"start\",{},1]\n", 1, "wanted a document", 0);
    tells_of("[1,{}]\n", 1, "wanted a document", 0);
    tells_of("[\"\",{}]\n", 1, "wanted a document", 0);
    tells_of("[\"a\\\"b\",{}]\n", 1, "wanted a document", 0); /* a sink may not escape it */
    tells_of("[\"start\",{\"a\":1,\"a\":2}]\n", 1, "duplicate", 0);
    tells_of("[\"start\",{\"a\":NaN}]\n", 1, "invalid token", 0);
    tells_of("[\"start\",{}] x\n", 1, "end of file expected", 0);
}

/* The rest of such a line would be lost on a sink that takes text. */
static void refuses_a_nul(void)
{
    static const char line[] = "[\"event\",{\"a\":[1.5\0,2]}]\n";
    struct got got = {0};
    oph_error err;
    FILE *out = fopen(path, "w");
    if (!out) testAbort("no file");
    fputs(START, out);
    fwrite(line, sizeof line - 1, 1, out);
    if (fclose(out)) testAbort("no room for a file");
    int rc = replay(&got, NULL, NULL, &err);
    check_refused(rc, &err, OPH_EPARSE, NULL, NULL, NULL, NULL);
    testOk(strstr(err.text, ":2: wanted a line of text, found a NUL in it") != NULL, "%s",
           err.text);
    testOk1(got.count == 1);
}

static void refuses_long_lines(void)
{
    struct got got = {0};
    oph_error err;
    char piece[4096];
    memset(piece, ' ', sizeof piece);
    FILE *out = fopen(path, "w");
    if (!out) testAbort("no file");
    fputs(START, out);
    for (int i = 0; i <= (64 << 20) / (int)sizeof piece; i++)
        fwrite(piece, sizeof piece, 1, out);
    if (fclose(out)) testAbort("no room for a file");
    int rc = replay(&got, NULL, NULL, &err);
    check_refused(rc, &err, OPH_EPARSE, NULL, NULL, NULL, NULL);
    testOk(strstr(err.text, ":2: wanted a line of at most 64 MiB") != NULL, "%s", err.text);
    testOk1(got.count == 1);
}

static void needs_a_sink(void)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_documents_replay("/nowhere", NULL, NULL, NULL, NULL, &err);
    testOk(rc == OPH_EINVAL && strstr(err.text, "/nowhere: wanted a sink"), "%s", err.text);
}

static void ends_where_the_sink_does(void)
{
    struct got got = {.refuse = 2};
    oph_error err;
    write_file(START START START);
    int rc = replay(&got, NULL, NULL, &err);
    testOk(rc == OPH_EFILE && strstr(err.text, ":2: the sink refused the document (5)"), "%s",
           err.text);
    testOk1(got.count == 2);
    got = (struct got){.refuse = 1, .with = {.code = OPH_ETIMEOUT, .text = "mine"}};
    rc = replay(&got, NULL, NULL, &err);
    testOk(rc == OPH_ETIMEOUT && !strcmp(err.text, "mine"), "the sink's own error is returned");
    testOk1(got.count == 1);
    oph_report *report = NULL;
    got = (struct got){.refuse = 2};
    write_file(START "[\"stop\",{\"run_start\":\"a\"}]\n");
    rc = replay(&got, NULL, &report, &err);
    testOk(rc == OPH_EFILE && !oph_report_count(report),
           "nobody says that it has no stop document");
    oph_report_free(report);
}

static void tells_of_files(void)
{
    struct got got = {0};
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_documents_replay("/nowhere/run.jsonl", take, &got, NULL, NULL, &err);
    testOk(rc == OPH_EFILE && strstr(err.text, "/nowhere/run.jsonl: reading documents: No such"),
           "%s", err.text);
    rc = oph_documents_replay(folder, take, &got, NULL, NULL, &err);
    testOk(rc == OPH_EFILE && strstr(err.text, "Is a directory"), "%s", err.text);
}

/* Through the sink of lines it is the same file. */
static void copies_a_file(void)
{
    char copy[80], first[300] = "", second[300] = "";
    oph_error err = OPH_ERROR_INIT;
    oph_document_lines *lines = NULL;
    write_file(START "[\"event\",{\"x\":0.1}]\n[\"stop\",{\"run_start\":\"a\"}]\n");
    snprintf(copy, sizeof copy, "%s/copy.jsonl", folder);
    check_done(oph_document_lines_open(copy, &lines, &err), &err, "a file is opened");
    int rc = oph_documents_replay(path, oph_document_lines_write, lines, NULL, NULL, &err);
    check_done(rc, &err, "a file is replayed into another");
    oph_document_lines_free(lines);
    FILE *in = fopen(path, "r"), *other = fopen(copy, "r");
    if (!in || !other) testAbort("no files");
    size_t n = fread(first, 1, sizeof first - 1, in),
           m = fread(second, 1, sizeof second - 1, other);
    testOk(n > 50 && n == m && !memcmp(first, second, n), "both have the same %zu bytes", n);
    fclose(in);
    fclose(other);
    unlink(copy);
}

/* Once, and not for ever. */
static void appends_to_itself(void)
{
    struct got got = {0};
    oph_error err = OPH_ERROR_INIT;
    oph_document_lines *lines = NULL;
    oph_replayed done = {0};
    write_file(START "[\"stop\",{\"run_start\":\"a\"}]\n");
    check_done(oph_document_lines_open(path, &lines, &err), &err, "it is opened for appending");
    int rc = oph_documents_replay(path, oph_document_lines_write, lines, &done, NULL, &err);
    check_done(rc, &err, "a file is replayed into itself");
    oph_document_lines_free(lines);
    testOk(done.documents == 2, "what was there was replayed");
    rc = replay(&got, &done, NULL, &err);
    testOk(!rc && done.documents == 4 && done.complete == 2, "and is there twice");
}

int main(void)
{
    testPlan(0);
    if (!mkdtemp(folder)) testAbort("no folder");
    snprintf(path, sizeof path, "%s/run.jsonl", folder);
    gives_texts_as_they_are();
    names_runs_without_an_end();
    tells_of_mistakes();
    refuses_a_nul();
    refuses_long_lines();
    needs_a_sink();
    ends_where_the_sink_does();
    tells_of_files();
    copies_a_file();
    appends_to_itself();
    unlink(path);
    rmdir(folder);
    return testDone();
}
