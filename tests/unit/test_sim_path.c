/* The simulator's paths: names from templates, write roots, and folders made on demand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <epicsUnitTest.h>

#include "sim/path.c"

static void format(const char *template, const char *wanted)
{
    char found[40] = "(none)";
    int rc = sim_path_format(template, "/data/", "run", 7, found, sizeof found);
    if (wanted)
        testOk(rc == 0 && strcmp(found, wanted) == 0, "%s gives %s", template, found);
    else
        testOk(rc == -1, "%s gives none", template);
}

static void formats(void)
{
    format("%s%s_%3.3d.h5", "/data/run_007.h5");
    format("%s%s_%6.6d.h5", "/data/run_000007.h5");
    format("%s%s.h5", "/data/run.h5");
    format("%5d", "    7");
    format("%s-%s-%-4d|100%%", "/data/-run-7   |100%");
    format("", "");
    format("%s%s%s", NULL);
    format("%d%d", NULL);
    format("%n%n%s", NULL);
    format("%*d", NULL);
    format("%hhn", NULL);
    format("%s%", NULL);
    format("%s%s_%300.300d", NULL);
    format("%1111111111111111111d", NULL);
}

static void slashes(void)
{
    char path[8] = "", full[8] = "1234567";
    sim_path_end_with_slash(path, sizeof path);
    testOk(strcmp(path, "") == 0, "an empty path stays empty");
    snprintf(path, sizeof path, "/a");
    sim_path_end_with_slash(path, sizeof path);
    sim_path_end_with_slash(path, sizeof path);
    testOk(strcmp(path, "/a/") == 0, "one slash is added, once");
    sim_path_end_with_slash(full, sizeof full);
    testOk(strcmp(full, "123456/") == 0, "a path without room is cut for it, as on the IOC");
}

static void is_really(const char *seen, const char *root, const char *rest)
{
    char found[SIM_PATH_SIZE], wanted[SIM_PATH_SIZE];
    snprintf(wanted, sizeof wanted, "%s%s", root, rest);
    testOk(sim_path_real(seen, found, sizeof found) == 0 && strcmp(found, wanted) == 0,
           "%s is really %s", seen, found);
}

static int there(const char *root, const char *rest)
{
    char path[SIM_PATH_SIZE];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", root, rest);
    return stat(path, &st) == 0;
}

static void roots_and_folders(void)
{
    char root[] = "/tmp/cophyd-path-XXXXXX", command[64], small[4];
    if (!mkdtemp(root)) testAbort("no folder");
    testOk(sim_path_add_root("data", root) == -1, "a root is an absolute path");
    testOk(sim_path_add_root("/nowhere/data/", root) == 0, "a root ends with or without slash");
    is_really("/nowhere/data/a/b.h5", root, "/a/b.h5");
    is_really("/nowhere/data", root, "");
    is_really("/nowhere/database/a", "/nowhere/database/a", "");
    is_really("/elsewhere", "/elsewhere", "");
    testOk(sim_path_real("/elsewhere", small, sizeof small) == -1, "what is too long is refused");
    testOk(sim_path_is_folder("/nowhere/data/"), "the root is a folder");
    testOk(!sim_path_is_folder("/nowhere/data/a/"), "one that is missing is none");

    sim_path_create("/nowhere/data/a/b/", 0);
    testOk(!there(root, "/a"), "depth 0 makes none");
    sim_path_create("/nowhere/data/a/b/", -1);
    testOk(!there(root, "/a"), "depth -1 does not make two");
    sim_path_create("/nowhere/data/a/b/", -2);
    testOk(there(root, "/a/b"), "depth -2 does");
    testOk(!there("/nowhere", ""), "what is above a root is never made");
    sim_path_create("/nowhere/data/c/d/", 3);
    testOk(!there(root, "/c"), "depth 3 wants three levels to be there");
    sim_path_create("/nowhere/data/c/d/", 2);
    testOk(there(root, "/c/d"), "depth 2 makes those below the second");
    snprintf(command, sizeof command, "rm -r %s", root);
    testOk(system(command) == 0, "the folders are removed");
}

int main(void)
{
    testPlan(0);
    formats();
    slashes();
    roots_and_folders();
    return testDone();
}
