/* What a killed client left at an IOC that has, or seems to have, another address now: the journal
 * is as it would be then. */
#include "core/context.h"
#include "core/device.h"
#include "core/journal_text.h"
#include "lib/child.h"
#include "lib/detector.h"
#include "lib/state.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct detector d;

/* DISK */
static int be_client(const char *disk)
{
    oph_error err = OPH_ERROR_INIT;
    snprintf(d.disk, sizeof d.disk, "%s", disk);
    int rc = oph_context_new(NULL, &d.ctx, &err);
    if (rc) return rc;
    detector_add_class(d.ctx);
    detector_make(&d);
    rc = oph_stage(d.det, NULL, &err);
    child_say("%s", rc ? err.text : "staged");
    return rc != 0;
}

static void leave_a_journal(void)
{
    struct child child;
    char line[1024];
    child_start(&child, (const char *const[]){d.disk, NULL});
    if (!child_hear(&child, line, sizeof line) || strcmp(line, "staged") != 0)
        testAbort("the client: %s", line);
    child_kill(&child);
}

/* The file as it were if the server had had another address. */
static void move_server(const char *to)
{
    struct oph__buf text = {0};
    oph_journals *journals = NULL;
    char part[4096];
    if (oph_journals_find(&journals, NULL) || oph_journals_count(journals) != 1)
        testAbort("no journal");
    const oph_journal *j = oph_journals_at(journals, 0);
    FILE *file = fopen(j->file, "r+");
    while (file && fgets(part, sizeof part, file)) {
        const char *rest = part;
        if (!strncmp(part, "end ", 4)) break;
        for (const char *at; (at = strstr(rest, j->server)); rest = at + strlen(j->server)) {
            oph__buf_add_n(&text, rest, (size_t)(at - rest));
            oph__buf_add(&text, to);
        }
        oph__buf_add(&text, rest);
    }
    oph__journal_text_end(&text, j->count);
    if (!file || text.failed || fseek(file, 0, SEEK_SET) || fputs(text.text, file) < 0 ||
        ftruncate(fileno(file), (off_t)text.len) || fclose(file))
        testAbort("the journal cannot be changed");
    const char *at = strstr(j->file, j->server);
    if (!at) testAbort("%s does not name %s", j->file, j->server);
    snprintf(part, sizeof part, "%.*s%s%s", (int)(at - j->file), j->file, to,
             at + strlen(j->server));
    if (rename(j->file, part)) testAbort("%s", part);
    oph_journals_free(journals);
    oph__buf_free(&text);
}

static void moved_server(void)
{
    const oph_recover_options any = {.size = sizeof any, .flags = OPH_RECOVER_ANY_SERVER};
    oph_error err = OPH_ERROR_INIT;
    leave_a_journal();
    move_server("former:5064");
    testOk(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err) == OPH_EMISMATCH &&
               strstr(err.wanted, "former:5064"),
           "%s", err.text);
    check_done(oph_recover(d.ctx, NULL, &any, NULL, NULL, &err), &err,
               "an IOC that has moved is taken when asked");
    testOk1(state_journals() == 0);
    detector_unchanged(&d, "that");
}

static void is_on(char *dst, size_t size)
{
    oph_signal *sig;
    struct oph__chan_info info;
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_find(d.det, "cam.acquire", &sig, &err) || !oph__pv_info(sig->set, &info))
        testAbort("no signal");
    snprintf(dst, size, "%s", info.host);
}

/* One that was started anew, beside others, has another port. */
static void moved_port(void)
{
    const oph_recover_options any = {.size = sizeof any, .flags = OPH_RECOVER_ANY_SERVER};
    char other[64], host[64];
    oph_error err = OPH_ERROR_INIT;
    leave_a_journal();
    is_on(host, sizeof host);
    snprintf(other, sizeof other, "%.*s:1", (int)strcspn(host, ":"), host);
    move_server(other);
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_ESTATE, "det", NULL, "stage",
                  "oph_recover does that, with OPH_RECOVER_ANY_SERVER, as");
    testOk(strstr(err.found, other) != NULL, "%s", err.text);
    check_done(oph_recover(d.ctx, NULL, &any, NULL, NULL, &err), &err, "it does");
    testOk1(state_journals() == 0);
    detector_unchanged(&d, "that");
}

/* libca gives a server's number until it knows the name. */
static void server_of_two_names(void)
{
    char other[64], host[64];
    oph_error err = OPH_ERROR_INIT;
    leave_a_journal();
    is_on(host, sizeof host);
    snprintf(other, sizeof other, "%s:%d", strncmp(host, "127.", 4) ? "127.0.0.1" : "localhost",
             sim_port(d.sim));
    move_server(other);
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_ESTATE, "det", NULL, "stage",
                  "oph_recover");
    check_done(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err), &err,
               "the server's other name is known as its own");
    testOk1(state_journals() == 0);
    detector_unchanged(&d, "that");
}

int main(int argc, char **argv)
{
    static const char *const arguments[] = {"--instant", NULL};
    if (argc > 1) return be_client(argv[1]);
    testPlan(0);
    state_begin(NULL, 0);
    detector_start(&d, arguments, NULL);
    moved_server();
    moved_port();
    server_of_two_names();
    detector_end(&d);
    state_end();
    return testDone();
}
