/* core/journal: what others have staged beside a device costs it a look at their journals' heads,
 * counted in bytes; and whatever may be in its way is found all the same. */
#include "core/journal.h"
#include "lib/fake_link.h"
#include "lib/state.h"

#include <cophyd/recover.h>
#include <cophyd/settings.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OTHERS = 8, ROWS = 50 };

static char state[64];
static oph_context *ctx;
static atomic_long bytes_read;

/* It hides libc's: how the library reads journals. */
ssize_t pread(int fd, void *data, size_t size, off_t at)
{
    ssize_t n = syscall(SYS_pread64, fd, data, size, at);
    if (n > 0) atomic_fetch_add(&bytes_read, n);
    return n;
}

/* A child that sets something of its parent's other child; rows with a whole name; many rows. */
static oph_context *context(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) testAbort("no memory");
    fputs("class Cam\nrow number Number rw int config\nstage . number=5\n"
          "class Part\nrow number Number rw int config\nstage . number=5\n"
          "class Tree\ndev cam C: Cam\ndev part P: Part\n"
          "class Whole\nrow number X:C:Number rw int config\nstage . number=5\n"
          "class Wide\n",
          out);
    for (int i = 0; i < ROWS; i++)
        fprintf(out, "row name%d Name%d rw text config\n", i, i);
    fputs("stage .", out);
    for (int i = 0; i < ROWS; i++)
        fprintf(out, " name%d=012345678901234567890123456789012345678", i);
    fputs("\n", out);
    if (fclose(out)) testAbort("no memory");
    oph_context *made = fake_context(text, NULL);
    free(text);
    return made;
}

static void add_pvs(void)
{
    char name[32];
    fake_pv("X:C:Number", OPH_INT32, 1, "", "7");
    fake_pv("X:P:Number", OPH_INT32, 1, "", "7");
    for (int i = 0; i < OTHERS * ROWS; i++) {
        snprintf(name, sizeof name, "W%d:Name%d", i / ROWS, i % ROWS);
        fake_pv(name, OPH_TEXT, 1, "", "old");
    }
}

static oph_device *new_device(const char *class_name, const char *prefix, const char *name)
{
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, class_name, prefix, name, &dev, &err)) testAbort("%s", err.text);
    return dev;
}

static void stage(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    if (oph_stage(dev, NULL, &err)) testAbort("%s", err.text);
}

static void unstage(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    if (oph_unstage(dev, NULL, &err)) testAbort("%s", err.text);
}

static void refused(oph_device *dev, int code, const char *part, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_stage(dev, NULL, &err);
    testOk(rc == code && strstr(err.text, part), "%s: %s", what, rc ? err.text : "it is staged");
    if (!rc) unstage(dev);
}

static void works(oph_device *dev, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_stage(dev, NULL, &err);
    testOk(!rc, "%s: %s", what, rc ? err.text : "it is staged");
    if (!rc) unstage(dev);
}

/* The only journal's file. */
static void file_of_one(char *ret, size_t size)
{
    oph_journals *journals = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_journals_find(&journals, &err)) testAbort("%s", err.text);
    if (oph_journals_count(journals) != 1) testAbort("not one journal");
    snprintf(ret, size, "%s", oph_journals_at(journals, 0)->file);
    oph_journals_free(journals);
}

static long size_of_all(void)
{
    oph_journals *journals = NULL;
    oph_error err = OPH_ERROR_INIT;
    long sum = 0;
    if (oph_journals_find(&journals, &err)) testAbort("%s", err.text);
    for (size_t i = 0; i < oph_journals_count(journals); i++) {
        struct stat st;
        if (stat(oph_journals_at(journals, i)->file, &st)) testAbort("no file");
        sum += (long)st.st_size;
    }
    oph_journals_free(journals);
    return sum;
}

static long bytes_of_stage(oph_device *dev)
{
    atomic_store(&bytes_read, 0);
    stage(dev);
    long bytes = atomic_load(&bytes_read);
    unstage(dev);
    return bytes;
}

static void test_count(void)
{
    oph_device *cam = new_device("Cam", "X:C:", "cam"), *others[OTHERS];
    bytes_of_stage(cam); /* which makes the folder */
    long alone = bytes_of_stage(cam);
    for (int i = 0; i < OTHERS; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "W%d:", i);
        others[i] = new_device("Wide", prefix, "wide");
        stage(others[i]);
    }
    long all = size_of_all(), beside = bytes_of_stage(cam) - alone;
    testOk(all > 2L * OTHERS * OPH__JOURNAL_HEAD_MAX && beside > 0 &&
               beside <= OTHERS * OPH__JOURNAL_HEAD_MAX,
           "of %d journals beside it, of %ld bytes, a stage reads %ld", OTHERS, all, beside);
    for (int i = 0; i < OTHERS; i++) {
        unstage(others[i]);
        oph_device_free(others[i]);
    }
    oph_device_free(cam);
}

/* PVs that both set, whatever their prefixes and whoever comes first. */
static void test_shared(oph_device *one, oph_device *other, const char *what)
{
    stage(one);
    refused(other, OPH_EBUSY, "that it is held by", what);
    unstage(one);
    stage(other);
    refused(one, OPH_EBUSY, "that it is held by", what);
    unstage(other);
}

static void test_pvs(oph_device *cam)
{
    char longer[301];
    oph_device *whole = new_device("Whole", "", "whole"), *part = NULL;
    test_shared(whole, cam, "a PV of a device without a prefix");
    oph_device_free(whole);
    memset(longer, 'x', 300);
    longer[300] = '\0';
    const char *const names[] = {"tree", longer};
    for (size_t i = 0; i < 2; i++) {
        oph_device *tree = new_device("Tree", "X:", names[i]);
        if (oph_device_child(tree, "part", &part, NULL)) testAbort("no child");
        if (oph_settings_set(part, "parent.cam.number", 6, NULL)) testAbort("no setting");
        test_shared(part, cam, i ? "its path is cut" : "a PV of a child's parent");
        oph_device_free(tree);
    }
}

/* One under another name, as when somebody copied it. */
static void test_name(oph_device *cam)
{
    char file[512], kept[520], renamed[520];
    stage(cam);
    file_of_one(file, sizeof file);
    snprintf(kept, sizeof kept, "%s.kept", file);
    snprintf(renamed, sizeof renamed, "%.*sother.journal", (int)(strrchr(file, ',') + 1 - file),
             file);
    if (link(file, kept)) testAbort("no link");
    unstage(cam);
    if (rename(kept, renamed)) testAbort("no name");
    refused(cam, OPH_ESTATE, renamed, "what is in it counts, not its name");
    if (unlink(renamed)) testAbort("no file");
}

static void replace(const char *file, const char *text, size_t length)
{
    FILE *out = fopen(file, "w");
    if (!out || fwrite(text, 1, length, out) != length || fclose(out)) testAbort("%s", file);
}

/* A journal that is damaged, at each of its bytes in turn, is in the way of what has its name. */
static void test_damage(oph_device *cam)
{
    static char text[4 * OPH__JOURNAL_HEAD_MAX];
    char file[512];
    oph_device *tree = new_device("Tree", "X:", "tree"),
               *other = new_device("Part", "X:P:", "part");
    size_t refusals = 0, minded = 0;
    stage(cam);
    file_of_one(file, sizeof file);
    FILE *in = fopen(file, "r");
    size_t length = in ? fread(text, 1, sizeof text, in) : 0;
    if (!length || length == sizeof text || fclose(in)) testAbort("%s", file);
    unstage(cam);
    for (size_t i = 0; i < length; i++) {
        char before = text[i];
        text[i] = before == 'a' ? 'b' : 'a';
        replace(file, text, length);
        text[i] = before;
        refusals += oph_stage(cam, NULL, NULL) == OPH_EPARSE;
        minded += oph_stage(tree, NULL, NULL) || oph_unstage(tree, NULL, NULL);
        minded += oph_stage(other, NULL, NULL) || oph_unstage(other, NULL, NULL);
    }
    testOk(refusals == length && !minded, "damaged at each of %zu bytes: %zu refused, %zu others",
           length, refusals, minded);
    replace(file, text, length);
    refused(cam, OPH_ESTATE, file, "whole it is in the way");
    refused(tree, OPH_ESTATE, file, "and in that of what is above it");
    works(other, "not of what is beside it");
    if (unlink(file)) testAbort("no file");
    oph_device_free(tree);
    oph_device_free(other);
}

/* Whatever is in it, a head is not cut. */
static void test_longest_head(void)
{
    struct oph__journal_head head = {.uid = UINT32_MAX, .since = INT64_MIN}, found;
    struct oph__buf text = {0};
    struct oph__process *self = &head.staged_by;
    memset(head.host, 1, sizeof head.host - 1);
    memset(head.device, 1, sizeof head.device - 1);
    memset(head.prefix, 1, sizeof head.prefix - 1);
    memset(head.server, 1, sizeof head.server - 1);
    *self = (struct oph__process){.pid = INT64_MAX, .start = UINT64_MAX, .space = UINT64_MAX};
    memset(self->boot, 1, sizeof self->boot - 1);
    memset(self->program, 1, sizeof self->program - 1);
    head.held_by = *self;
    oph__journal_text_begin(&text, &head);
    size_t length = text.len;
    oph__buf_add(&text, "set and what follows\n");
    testOk(length < OPH__JOURNAL_HEAD_MAX &&
               !oph__journal_parse_device(text.text, text.len, &found) &&
               !strcmp(found.prefix, head.prefix) && !strcmp(found.device, head.device),
           "the longest head has %zu bytes", length);
    oph__buf_free(&text);
}

int main(void)
{
    testPlan(0);
    state_begin(state, sizeof state);
    fake_begin();
    add_pvs();
    ctx = context();
    oph_device *cam = new_device("Cam", "X:C:", "cam");
    test_count();
    test_pvs(cam);
    test_name(cam);
    test_damage(cam);
    test_longest_head();
    oph_device_free(cam);
    oph_context_free(ctx);
    testOk1(fake_end() == 0 && state_journals() == 0);
    state_end();
    return testDone();
}
