/* core/journal_folder: where journals are is this user's, and what others put there is not
 * followed.
 */
#include "core/journal.h"
#include "lib/fake_link.h"
#include "lib/state.h"

#include <cophyd/recover.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char classes[] = "class Part\n"
                              "row number Number rbv int config\n"
                              "stage . number=5\n";

static char state[64];
static oph_context *ctx;

/* The journals there are; the file of the last. */
static size_t listed(char *file, size_t size)
{
    oph_journals *journals = NULL;
    oph_journals_find(&journals, NULL);
    size_t count = oph_journals_count(journals);
    for (size_t i = 0; i < count; i++)
        snprintf(file, size, "%s", oph_journals_at(journals, i)->file);
    oph_journals_free(journals);
    return count;
}

/* Staging is refused, before anything was sent, and the sentence has the parts. */
static void refused(oph_device *dev, const char *one, const char *other)
{
    oph_error err = OPH_ERROR_INIT;
    fake_forget_puts();
    int rc = oph_stage(dev, NULL, &err);
    testOk(rc == OPH_EFILE && strstr(err.text, one) && strstr(err.text, other) && !*fake_puts(),
           "%s", rc ? err.text : "it is staged");
    if (!rc) oph_unstage(dev, NULL, NULL);
}

static void works(oph_device *dev, const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    char file[512];
    int rc = oph_stage(dev, NULL, &err);
    size_t there = listed(file, sizeof file);
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    testOk(!rc && there == 1 && state_journals() == 0 && fake_is("X:Number", "7"),
           "stage and unstage %s", when);
    if (rc) testDiag("%s", err.text);
}

/* A folder in which others can remove a journal, or put theirs in its place. */
static void test_safe(void)
{
    static const struct {
        mode_t mode;
        uid_t owner, user;
        bool safe;
    } table[] = {
        {0700, 7, 7, true},   {0775, 7, 7, true},  {0777, 7, 7, false}, {01777, 7, 7, true},
        {01777, 0, 7, true},  {0755, 0, 7, true},  {0777, 0, 7, false}, {0700, 8, 7, false},
        {01777, 8, 7, false}, {0755, 7, 0, false}, {0702, 7, 7, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct stat st = {.st_mode = S_IFDIR | table[i].mode, .st_uid = table[i].owner};
        testOk(oph__journal_folder_is_safe(&st, table[i].user) == table[i].safe,
               "mode %04o of user %u is %ssafe for user %u", (unsigned)table[i].mode,
               (unsigned)table[i].owner, table[i].safe ? "" : "not ", (unsigned)table[i].user);
    }
}

static void test_modes(oph_device *det)
{
    testOk1(!chmod(state, 0777));
    refused(det, "with mode 777, where others can remove journals", state);
    testOk(oph_recover(ctx, NULL, NULL, NULL, NULL, NULL) == OPH_EFILE, "nor is it recovered from");
    testOk1(!chmod(state, 01777));
    works(det, "where others have files of theirs");
    testOk1(!chmod(state, 0700));
}

/* Nothing is written through a link. */
static void test_links(oph_device *det)
{
    char lock[128], target[160], file[512], aside[520];
    snprintf(lock, sizeof lock, "%s/lock", state);
    snprintf(target, sizeof target, "%s.target", state);
    testOk1(!unlink(lock) && !symlink(target, lock));
    refused(det, lock, "$COPHYD_STATE_DIR");
    testOk1(access(target, F_OK) && !unlink(lock));
    works(det, "once the link is gone");
    if (oph_stage(det, NULL, NULL) || listed(file, sizeof file) != 1) testAbort("no journal");
    testOk1(!oph_unstage(det, NULL, NULL));
    snprintf(aside, sizeof aside, "%s.new", file);
    testOk1(!symlink(target, aside));
    works(det, "where a link has the name to write under");
    testOk1(access(target, F_OK) != 0);
}

int main(void)
{
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    state_begin(state, sizeof state);
    fake_begin();
    fake_pv("X:Number", OPH_INT32, 1, "", "7");
    fake_pv("X:Number_RBV", OPH_INT32, 1, "", "7");
    ctx = fake_context(classes, NULL);
    if (oph_device_new(ctx, "Part", "X:", "det", &det, &err)) testAbort("%s", err.text);
    test_safe();
    test_modes(det);
    test_links(det);
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    state_end();
    return testDone();
}
