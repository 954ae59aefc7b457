/* oph_class_load: files that are no class text, and texts that would fill the memory. */
#include "base/str.h"
#include "lib/fake_link.h"

#include <cophyd/class.h>
#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static oph_context *ctx;
static char file[] = "/tmp/cophyd-class-XXXXXX";

static void write_file(const char *text, size_t size)
{
    FILE *out = fopen(file, "w");
    if (!out || fwrite(text, 1, size, out) != size || fclose(out)) testAbort("no file");
}

/* It is refused, and the sentence has the words and names the file. */
static void refuses(const char *name, int code, const char *words)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_class_load(ctx, name, NULL, &err);
    testOk(rc == code && err.code == code && strstr(err.text, words) && strstr(err.text, name),
           "%s", err.text);
}

static void test_files(void)
{
    oph_error err = OPH_ERROR_INIT;
    static const char good[] = "class Good\nrow x X rw int normal\n";
    write_file(good, sizeof good - 1);
    testOk(!oph_class_load(ctx, file, NULL, &err), "a class text is read %s", err.text);
    write_file(good, sizeof good);
    refuses(file, OPH_EPARSE, "a NUL byte");
    refuses("/tmp", OPH_EFILE, "a read error");
    refuses("/tmp/cophyd-none/x.class", OPH_EFILE, "No such file");
    refuses("/dev/zero", OPH_EPARSE, "at most 16 MiB");
    write_file("class \33[2J\n", 11);
    refuses(file, OPH_EPARSE, "a control character in the line");
}

/* 10 classes of 10 devices each: together 10,000,000,000. */
static void test_devices(void)
{
    struct oph__buf text = {0};
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph__buf_add(&text, "class Many0\nrow x X rw int normal\n");
    for (int level = 1; level <= 10; level++) {
        oph__buf_addf(&text, "class Many%d\n", level);
        for (int i = 0; i < 10; i++)
            oph__buf_addf(&text, "dev d%d D%d: Many%d\n", i, i, level - 1);
    }
    write_file(text.text, text.len);
    oph__buf_free(&text);
    int rc = oph_class_load(ctx, file, NULL, &err);
    testOk(rc == OPH_EPARSE && strstr(err.text, "more than 1000"), "%s", err.text);
    testOk(oph_device_new(ctx, "Many10", "X:", "many", &dev, &err) && !dev, "%s", err.text);
}

/* A class in itself. */
static void test_depth(void)
{
    oph_error err = OPH_ERROR_INIT;
    static const char text[] = "class Inner\ndev d D: Outer\nclass Outer\ndev d D: Inner\n";
    write_file(text, sizeof text - 1);
    int rc = oph_class_load(ctx, file, NULL, &err);
    testOk(rc == OPH_EPARSE && (strstr(err.text, "Inner") || strstr(err.text, "Outer")), "%s",
           err.text);
}

int main(void)
{
    int fd = mkstemp(file);
    testPlan(0);
    if (fd < 0) testAbort("no file");
    close(fd);
    fake_begin();
    ctx = fake_context("class Any\nrow x X rw int normal\n", NULL);
    test_files();
    test_devices();
    test_depth();
    oph_context_free(ctx);
    unlink(file);
    testOk1(fake_end() == 0);
    return testDone();
}
