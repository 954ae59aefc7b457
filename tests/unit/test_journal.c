/* core/journal: one client at a time, and what it changes is on disk before it changes it. The
 * other clients are this program once more, each with a fake IOC of its own, which has the same
 * PVs. */
#include "base/str.h"
#include "core/journal.h"
#include "lib/child.h"
#include "lib/fake_link.h"
#include "lib/process.h"
#include "lib/state.h"

#include <cophyd/recover.h>
#include <cophyd/settings.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char classes[] = "class Part\n"
                              "row number Number rbv int  config\n"
                              "row name   Name   rw  text config\n"
                              "class Whole\n"
                              "dev part H: Part\n"
                              "stage part number=5 name=ours\n"
                              "class X\n"
                              "row number X:H:Number rbv int config\n"
                              "stage . number=5\n"
                              "class Y\n"
                              "row number Y:H:Number rbv int config\n"
                              "stage . number=5\n";

static char state[64], line[1024];
static oph_context *ctx;

static void add_pvs(void)
{
    static const char *const prefixes[] = {"X:H:", "Y:H:"};
    for (size_t i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "%sNumber", prefixes[i]);
        fake_pv(name, OPH_INT32, 1, "", "7");
        snprintf(name, sizeof name, "%sNumber_RBV", prefixes[i]);
        fake_pv(name, OPH_INT32, 1, "", "7");
        snprintf(name, sizeof name, "%sName", prefixes[i]);
        fake_pv(name, OPH_TEXT, 1, "", "old");
    }
}

static oph_device *new_device(const char *class_name, const char *prefix)
{
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, class_name, prefix, "det", &dev, &err)) testAbort("%s", err.text);
    return dev;
}

/* Another client: stages X:, and what is asked of it then. */
static int be_client(const char *what)
{
    fake_begin();
    add_pvs();
    ctx = fake_context(classes, NULL);
    oph_device *det = new_device("Whole", "X:");
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_stage(det, NULL, &err);
    if (!strcmp(what, "fork") && !rc) {
        /* Its own child outlives it, with the lock's descriptor. */
        pid_t pid = fork();
        if (!pid)
            for (;;)
                pause();
        child_say("%d", (int)pid);
    }
    child_say("%s", rc ? err.text : "staged");
    if (!rc) rc = oph_unstage(det, NULL, &err);
    oph_device_free(det);
    oph_context_free(ctx);
    fake_end();
    return rc != 0;
}

static void start_client(struct child *child, const char *what)
{
    const char *const arguments[] = {what, NULL};
    child_start(child, arguments);
    if (!child_hear(child, line, sizeof line)) testAbort("no client");
}

static bool contains(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* Staging is refused, before anything was sent, and the sentence has the parts. */
static void refused(oph_device *dev, int code, const char *one, const char *other)
{
    oph_error err = OPH_ERROR_INIT;
    fake_forget_puts();
    int rc = oph_stage(dev, NULL, &err);
    testOk(rc == code && contains(err.text, one) && contains(err.text, other) && !*fake_puts(),
           "%s", rc ? err.text : "it is staged");
    if (!rc) oph_unstage(dev, NULL, NULL);
}

static size_t listed(void)
{
    oph_journals *journals = NULL;
    oph_journals_find(&journals, NULL);
    size_t count = oph_journals_count(journals);
    oph_journals_free(journals);
    return count;
}

static void works(oph_device *dev, const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_stage(dev, NULL, &err);
    size_t there = listed();
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    testOk(!rc && there == 1 && listed() == 0 && fake_is("X:H:Number", "7") &&
               fake_is("X:H:Name", "old"),
           "stage and unstage %s", when);
    if (rc) testDiag("%s", err.text);
}

static void file_of(const char *prefix, char *ret, size_t size)
{
    struct oph__journal_folder folder;
    char name[256];
    oph_error err = OPH_ERROR_INIT;
    if (oph__journal_folder_enter(&folder, true, &err)) testAbort("%s", err.text);
    oph__journal_name(&folder, "", prefix, name, sizeof name, NULL);
    oph__journal_folder_leave(&folder);
    snprintf(ret, size, "%s/%s", state, name);
}

/* Files */

static void test_file(oph_device *det)
{
    char file[512], folder[128];
    struct stat st;
    oph_error err = OPH_ERROR_INIT;
    int before = process_descriptors();
    snprintf(folder, sizeof folder, "%s/a/b", state);
    setenv("COPHYD_STATE_DIR", folder, 1);
    works(det, "where the folder is absent");
    testOk(!stat(folder, &st) && (st.st_mode & 0777) == 0700, "it is made, for this user alone");
    setenv("COPHYD_STATE_DIR", state, 1);
    file_of("X:", file, sizeof file);
    testOk1(stat(file, &st) && errno == ENOENT);
    testOk1(!oph_stage(det, NULL, &err));
    testOk(!stat(file, &st) && (st.st_mode & 0777) == 0600, "the file is for this user alone");
    oph_journals *journals = NULL;
    testOk1(!oph_journals_find(&journals, &err) && oph_journals_count(journals) == 1 &&
            !oph_journals_at(journals, 1));
    const oph_journal *j = oph_journals_at(journals, 0);
    testOk(j && !strcmp(j->file, file) && !strcmp(j->device, "det") && !strcmp(j->prefix, "X:") &&
               !strcmp(j->server, "") && j->pid == getpid() && j->alive == 1 && j->count == 2 &&
               !j->broken && !strcmp(j->program, "test_journal") && j->since > 1600000000,
           "it is listed");
    oph_journals_free(journals);
    testOk1(!oph_unstage(det, NULL, &err));
    testOk(stat(file, &st) && errno == ENOENT, "it goes when all is back");
    testOk1(!oph_stage(det, NULL, &err) && !unlink(file) && !oph_unstage(det, NULL, &err));
    testOk(state_journals() == 0, "and somebody may have removed it");
    testOk(process_descriptors() == before, "no descriptor stays open");
}

static void test_places(oph_device *det)
{
    static const struct {
        const char *variable, *value, *where; /* below the test's folder */
        const char *says;                     /* of a refusal */
    } places[] = {
        {"COPHYD_STATE_DIR", "own", "own", NULL},
        {"XDG_STATE_HOME", "xdg", "xdg/cophyd", NULL},
        {"HOME", "home", "home/.local/state/cophyd", NULL},
        {NULL, NULL, NULL, "found none of them set"},
        {"COPHYD_STATE_DIR", "/proc/none", NULL, "/proc/none"},
        {"COPHYD_STATE_DIR", "relative", NULL, "wanted an absolute path"},
        {"COPHYD_STATE_DIR", "/dev/full", NULL, "/dev/full"},
    };
    const char *former = getenv("HOME");
    char home[256], value[128], where[128];
    snprintf(home, sizeof home, "%s", former ? former : "/");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct stat st;
        unsetenv("COPHYD_STATE_DIR");
        unsetenv("XDG_STATE_HOME");
        unsetenv("HOME");
        bool below = places[i].where != NULL;
        snprintf(value, sizeof value, "%s%s%s", below ? state : "", below ? "/" : "",
                 places[i].value ? places[i].value : "");
        if (places[i].variable) setenv(places[i].variable, value, 1);
        if (!below) {
            refused(det, OPH_EFILE, places[i].says, "$COPHYD_STATE_DIR");
            continue;
        }
        snprintf(where, sizeof where, "%s/%s", state, places[i].where);
        works(det, value);
        testOk(!stat(where, &st) && S_ISDIR(st.st_mode), "%s", places[i].where);
    }
    setenv("HOME", home, 1);
    setenv("COPHYD_STATE_DIR", state, 1);
}

/* A full disk: a file can have no more bytes than that. */
static void set_full(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    if (setrlimit(RLIMIT_FSIZE, &limit)) testAbort("no limit");
}

static void test_full_disk(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    signal(SIGXFSZ, SIG_IGN);
    set_full(100);
    refused(det, OPH_EFILE, "File too large", "$COPHYD_STATE_DIR");
    set_full(RLIM_INFINITY);
    testOk(state_journals() == 0, "nothing of it stays");
    works(det, "when there is room again");

    testOk1(!oph_stage(det, NULL, &err));
    fake_rule("X:H:Name", FAKE_REFUSE);
    set_full(100);
    int rc = oph_unstage(det, &report, &err);
    set_full(RLIM_INFINITY);
    testOk(rc == OPH_EPUT && oph_report_count(report) == 2 && state_journals() == 1,
           "what could not be put back stays in the journal, which could not be made shorter");
    oph_report_free(report);
    fake_rule("X:H:Name", FAKE_FOLLOW);
    works(det, "finishes that first");
    testOk1(state_journals() == 0);
}

static void test_left(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_journals *journals = NULL;
    testOk1(!oph_stage(det, NULL, &err));
    fake_rule("X:H:Name", FAKE_REFUSE);
    testOk1(oph_unstage(det, NULL, &err) == OPH_EPUT);
    testOk1(!oph_journals_find(&journals, NULL) && oph_journals_count(journals) == 1);
    const oph_journal *j = oph_journals_at(journals, 0);
    testOk(j && j->count == 1 && !j->alive, "only what is not back stays in the journal");
    oph_journals_free(journals);
    testOk1(oph_stage(det, NULL, &err) == OPH_ESTATE && state_journals() == 1);
    testOk(contains(err.text, "settings are not put back (1)"), "%s", err.text);
    fake_rule("X:H:Name", FAKE_FOLLOW);
    works(det, "puts that back first");
    testOk(state_journals() == 0, "and then nothing is left");
}

/* All is back, but the journal could not be taken away. */
static void test_folder_gone(oph_device *det)
{
    char elsewhere[80];
    oph_error err = OPH_ERROR_INIT;
    snprintf(elsewhere, sizeof elsewhere, "%s.away", state);
    testOk1(!oph_stage(det, NULL, NULL) && !rename(state, elsewhere));
    testOk(oph_unstage(det, NULL, &err) == OPH_ENOTFOUND && fake_is("X:H:Number", "7"), "%s",
           err.text);
    testOk1(!rename(elsewhere, state) && listed() == 1);
    works(det, "takes it away first");
}

static void test_broken(oph_device *det)
{
    char file[512], wanted[600];
    oph_journals *journals = NULL;
    oph_error err = OPH_ERROR_INIT;
    file_of("X:", file, sizeof file);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    testOk1(write(fd, "cophyd-journal 1\nuser 7\nhostile\n", 32) == 32 && !close(fd));
    snprintf(wanted, sizeof wanted, "%s:3: wanted host", file);
    refused(det, OPH_EPARSE, wanted, "hostile");
    testOk1(!oph_journals_find(&journals, &err) && oph_journals_count(journals) == 1);
    const oph_journal *j = oph_journals_at(journals, 0);
    testOk(j && j->broken && !j->alive && !strcmp(j->file, file) && contains(j->why, wanted),
           "it is listed with what is wrong");
    oph_journals_free(journals);
    testOk(oph_recover(ctx, NULL, NULL, NULL, NULL, &err) == OPH_EPARSE &&
               contains(err.text, wanted),
           "nobody recovers from it");
    testOk1(oph_recover(ctx, "X:", NULL, NULL, NULL, NULL) == OPH_EPARSE);
    testOk1(oph_recover(ctx, "Y:", NULL, NULL, NULL, NULL) == 0);
    oph_device *other = new_device("Whole", "Y:");
    testOk(!oph_stage(other, NULL, NULL) && !oph_unstage(other, NULL, NULL),
           "other prefixes do not mind");
    oph_device_free(other);
    unlink(file);
    testOk1(!symlink("/etc/passwd", file));
    refused(det, OPH_EFILE, file, "$COPHYD_STATE_DIR");
    unlink(file);
    testOk1(!mkfifo(file, 0600));
    refused(det, OPH_EFILE, file, "wanted a file of this user's");
    unlink(file);
    works(det, "once it is removed");
    /* What a client killed while it wrote left behind. */
    strncat(file, ".new", sizeof file - strlen(file) - 1);
    fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    testOk1(fd >= 0 && !close(fd));
    works(det, "over one that was half written");
}

static void test_names(void)
{
    struct oph__journal_folder folder;
    char a[256], b[256], longer[301];
    oph_error err = OPH_ERROR_INIT;
    testOk1(!oph__journal_folder_enter(&folder, true, &err));
    oph__journal_name(&folder, "127.0.0.1:5064", "../a b/%\xc3\xa9,:", a, sizeof a, NULL);
    testOk(oph__ends(a, ",127.0.0.1:5064,..%2fa%20b%2f%25%c3%a9%2c:.journal"), "%s", a);
    testOk1(oph__journal_is_of(a, "../a b/%\xc3\xa9,:") && !oph__journal_is_of(a, "b/"));
    memset(longer, 'x', 300);
    longer[300] = '\0';
    oph__journal_name(&folder, "s", longer, a, sizeof a, NULL);
    longer[299] = 'y';
    oph__journal_name(&folder, "s", longer, b, sizeof b, NULL);
    testOk(strlen(a) < 240 && strlen(a) == strlen(b) && strcmp(a, b) != 0,
           "long names are bounded, and still differ");
    oph__journal_folder_leave(&folder);
}

/* On the disk, not only with the system. */
static void test_sync(void)
{
    struct oph__journal_folder folder;
    struct oph__buf text = {0};
    struct stat st;
    char path[600];
    int fd = -1;
    oph_error err = OPH_ERROR_INIT;
    oph__buf_add(&text, "some text");
    testOk1(!oph__journal_folder_enter(&folder, true, &err));
    testOk1(!oph__journal_publish(&folder, "synced", &text, true, &fd, &err));
    snprintf(path, sizeof path, "%s/synced", state);
    bool there = false;
    testOk(!stat(path, &st) && st.st_size == (off_t)text.len &&
               !oph__journal_is_there(&folder, "synced", fd, &there, &err) && there,
           "a file that was synced is there");
    testOk1(!oph__journal_remove(&folder, "synced", &err));
    testOk1(!oph__journal_is_there(&folder, "synced", fd, &there, &err) && !there &&
            oph__journal_remove(&folder, "synced", &err) == OPH_EFILE);
    close(fd);
    oph__journal_folder_leave(&folder);
    oph__buf_free(&text);
}

/* Two in this process, and the folder's own lock */

/* Rows with whole names, of two parts of one IOC. */
static void test_no_prefix(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *x = new_device("X", ""), *y = new_device("Y", "");
    testOk1(!oph_stage(x, NULL, &err));
    testOk(!oph_stage(y, NULL, &err) && listed() == 2, "two without a prefix have one each: %s",
           err.text);
    testOk1(!oph_unstage(x, NULL, NULL) && listed() == 1);
    testOk1(!oph_unstage(y, NULL, NULL) && listed() == 0);
    testOk1(fake_is("X:H:Number", "7") && fake_is("Y:H:Number", "7"));
    oph_device_free(x);
    oph_device_free(y);
}

/* It is not written again in the place of another client's. */
static void test_removed(oph_device *det)
{
    char file[512];
    oph_error err = OPH_ERROR_INIT;
    oph_device *other = new_device("Whole", "X:");
    file_of("X:", file, sizeof file);
    testOk1(!oph_stage(det, NULL, &err) && !unlink(file));
    testOk(!oph__journal_renew(det->tree->plan, &err) && listed() == 1, "one that was removed");
    testOk1(!unlink(file) && !oph_stage(other, NULL, NULL) && listed() == 1);
    testOk(oph__journal_renew(det->tree->plan, &err) == OPH_EBUSY && listed() == 1, "%s", err.text);
    testOk1(!oph_unstage(other, NULL, NULL));
    oph_unstage(det, NULL, NULL);
    testOk1(listed() == 0 && fake_is("X:H:Number", "7"));
    oph_device_free(other);
}

static void test_same_process(oph_device *det)
{
    char pid[32];
    oph_device *same = new_device("Whole", "X:"), *part = new_device("Part", "X:H:");
    oph_device *other = new_device("Whole", "Y:");
    oph_error err = OPH_ERROR_INIT;
    snprintf(pid, sizeof pid, "process %d (test_journal)", (int)getpid());
    oph_settings_set(part, "number", 3, NULL);
    testOk1(!oph_stage(det, NULL, &err));
    refused(same, OPH_EBUSY, pid, "which staged det at");
    refused(part, OPH_EBUSY, pid, "det: wanted to stage");
    testOk1(oph_recover(ctx, NULL, NULL, NULL, NULL, &err) == OPH_EBUSY);
    testOk(contains(err.text, pid) && fake_is("X:H:Number", "5"), "%s", err.text);
    testOk1(!oph_stage(other, NULL, NULL) && state_journals() == 2);
    testOk1(!oph_unstage(other, NULL, NULL) && !oph_unstage(det, NULL, NULL));
    testOk1(!oph_stage(part, NULL, &err));
    refused(det, OPH_EBUSY, pid, "X:H:");
    testOk1(!oph_unstage(part, NULL, NULL));
    works(det, "when it is free again");
    oph_device_free(same);
    oph_device_free(part);
    oph_device_free(other);
}

static void *enter_and_leave(void *arg)
{
    struct oph__journal_folder folder;
    struct stat open_one, named;
    int *ret = arg;
    if (oph__journal_folder_enter(&folder, true, NULL)) return NULL;
    char path[600];
    snprintf(path, sizeof path, "%s/lock", state);
    *ret = !fstat(folder.lock, &open_one) && !stat(path, &named) && open_one.st_ino == named.st_ino;
    oph__journal_folder_leave(&folder);
    return NULL;
}

static void test_lock(oph_device *det)
{
    struct oph__journal_folder folder, second;
    pthread_t thread;
    char path[128];
    int same = 0;
    oph_error err = OPH_ERROR_INIT;
    snprintf(path, sizeof path, "%s/lock", state);
    testOk1(!oph__journal_folder_enter(&folder, true, &err));
    testOk1(oph__journal_folder_enter(&second, true, &err) == OPH_EBUSY);
    testOk(contains(err.text, path), "nobody waits for ever: %s", err.text);
    pthread_create(&thread, NULL, enter_and_leave, &same);
    unlink(path);
    oph__journal_folder_leave(&folder);
    pthread_join(thread, NULL);
    testOk(same, "a lock whose file was removed is not taken for the folder's");
    unlink(path);
    works(det, "makes the lock's file anew");
}

/* Other processes */

static void set_staged(void)
{
    fake_set("X:H:Number", "5");
    fake_set("X:H:Number_RBV", "5");
    fake_set("X:H:Name", "ours");
}

static void test_other(oph_device *det)
{
    struct child child;
    char pid[32];
    oph_device *part = new_device("Part", "X:H:");
    oph_settings_set(part, "name", "mine", NULL);
    start_client(&child, "client");
    testOk(!strcmp(line, "staged"), "another client stages: %s", line);
    snprintf(pid, sizeof pid, "process %d (test_journal)", (int)child.pid);
    refused(det, OPH_EBUSY, "that it is held by", pid);
    refused(part, OPH_EBUSY, "that it is held by", pid);
    testOk1(oph_recover(ctx, "X:H:", NULL, NULL, NULL, NULL) == OPH_EBUSY);
    child_go(&child);
    testOk(child_end(&child) == 0, "it unstages");
    works(det, "after it");

    start_client(&child, "client");
    snprintf(pid, sizeof pid, "process %d (test_journal)", (int)child.pid);
    child_kill(&child);
    refused(det, OPH_ESTATE, pid, "oph_recover does that");
    refused(part, OPH_ESTATE, pid, "oph_recover does that");
    set_staged();
    testOk1(!oph_recover(ctx, "Y:", NULL, NULL, NULL, NULL) && fake_is("X:H:Number", "5"));
    testOk1(!oph_recover(ctx, "X:", NULL, NULL, NULL, NULL) && state_journals() == 0);
    works(det, "after it was killed, and recovered");
    oph_device_free(part);
}

/* Of several at once one has it, whoever comes first. */
static void test_race(oph_device *det)
{
    static const char *const arguments[] = {"client", NULL};
    enum { CLIENTS = 4 };
    struct child children[CLIENTS];
    int staged = 0, busy = 0;
    for (int i = 0; i < CLIENTS; i++)
        child_start(&children[i], arguments);
    for (int i = 0; i < CLIENTS; i++) {
        if (!child_hear(&children[i], line, sizeof line)) testAbort("no client");
        staged += !strcmp(line, "staged");
        busy += contains(line, "that it is held by");
    }
    testOk(staged == 1 && busy == CLIENTS - 1, "%d of %d has it, %d were told who", staged, CLIENTS,
           busy);
    for (int i = 0; i < CLIENTS; i++) {
        child_go(&children[i]);
        child_end(&children[i]);
    }
    works(det, "after them");
}

/* The lock outlives its owner in a child which that one forked. */
static void test_forked(oph_device *det)
{
    struct child child;
    oph_journals *journals = NULL;
    start_client(&child, "fork");
    pid_t grandchild = (pid_t)strtol(line, NULL, 10);
    child_go(&child);
    testOk1(child_hear(&child, line, sizeof line) && !strcmp(line, "staged"));
    child_kill(&child);
    testOk1(!oph_journals_find(&journals, NULL) && oph_journals_count(journals) == 1);
    const oph_journal *j = oph_journals_at(journals, 0);
    char file[512] = "";
    if (j) snprintf(file, sizeof file, "%s", j->file);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    testOk(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && !close(fd),
           "a child of the killed client has the lock");
    testOk(j && !j->alive && j->pid == child.pid, "and is not taken for it");
    oph_journals_free(journals);
    refused(det, OPH_ESTATE, "oph_recover does that", "X:");
    set_staged();
    testOk1(!oph_recover(ctx, NULL, NULL, NULL, NULL, NULL) && state_journals() == 0);
    works(det, "while that child lives");
    testOk1(kill(grandchild, SIGKILL) == 0);
}

/* A child of ours has what we have, and lets go of nothing. */
static void test_own_child(oph_device *det)
{
    oph_journals *journals = NULL;
    oph_error err = OPH_ERROR_INIT;
    testOk1(!oph_stage(det, NULL, &err));
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        int refused = oph_unstage(det, NULL, NULL) == OPH_EFORK;
        oph_device_free(det);
        oph_context_free(ctx);
        _exit(refused ? 0 : 1);
    }
    int status = 1;
    testOk1(waitpid(pid, &status, 0) == pid && status == 0);
    testOk1(!oph_journals_find(&journals, NULL) && oph_journals_count(journals) == 1);
    const oph_journal *j = oph_journals_at(journals, 0);
    testOk(j && j->alive, "a forked child that ended let go of nothing");
    oph_journals_free(journals);
    testOk1(!oph_unstage(det, NULL, &err) && state_journals() == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) return be_client(argv[1]);
    testPlan(0);
    state_begin(state, sizeof state);
    fake_begin();
    add_pvs();
    ctx = fake_context(classes, NULL);
    oph_device *det = new_device("Whole", "X:");
    works(det, "in an empty folder");
    test_file(det);
    test_places(det);
    test_full_disk(det);
    test_left(det);
    test_folder_gone(det);
    test_broken(det);
    test_names();
    test_sync();
    test_same_process(det);
    test_no_prefix();
    test_removed(det);
    test_lock(det);
    test_other(det);
    test_race(det);
    test_forked(det);
    test_own_child(det);
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    state_end();
    return testDone();
}
