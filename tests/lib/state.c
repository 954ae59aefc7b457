#include "lib/state.h"

#include <dirent.h>
#include <epicsUnitTest.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char variable[] = "COPHYD_STATE_DIR";
static char folder[64];

void state_default(void)
{
    char path[512];
    if (getenv(variable) || !getcwd(path, sizeof path - sizeof "/build/state")) return;
    strncat(path, "/build/state", sizeof path - strlen(path) - 1);
    setenv(variable, path, 1);
}

void state_begin(char *ret, int size)
{
    snprintf(folder, sizeof folder, "/tmp/cophyd-state-XXXXXX");
    if (!mkdtemp(folder)) testAbort("no folder for journals");
    setenv(variable, folder, 1);
    if (ret) snprintf(ret, (size_t)size, "%s", folder);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void state_end(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    unsetenv(variable);
}

int state_journals(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int count = 0;
    if (!dir) return 0;
    while ((entry = readdir(dir)))
        count += strstr(entry->d_name, ".journal") != NULL;
    closedir(dir);
    return count;
}
