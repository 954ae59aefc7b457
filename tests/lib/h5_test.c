#include "lib/h5_test.h"

#include <dirent.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

const char *h5_test_path(const char *name)
{
    static char paths[4][200];
    static int next;
    char *path = paths[next++ % 4];

    if (!*folder) {
        snprintf(folder, sizeof folder, "/tmp/cophyd-test-XXXXXX");
        if (!mkdtemp(folder)) testAbort("no folder %s", folder);
    }
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void h5_test_cleanup(void)
{
    DIR *dir = *folder ? opendir(folder) : NULL;

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && unlink(h5_test_path(entry->d_name)))
            testDiag("%s stays", entry->d_name);
    if (dir) closedir(dir);
    if (*folder) rmdir(folder);
}

bool h5_test_says(int rc, int code, const oph_error *err, const char *words)
{
    if (rc != code || (rc && err->code != code)) {
        testDiag("wanted %s, found %s: %s", oph_code_name(code), oph_code_name(rc),
                 rc ? err->text : "");
        return false;
    }
    for (const char *word = words; *word;) {
        size_t len = strcspn(word, "|");
        if (!memmem(err->text, strlen(err->text), word, len)) {
            testDiag("wanted '%.*s', found: %s", (int)len, word, err->text);
            return false;
        }
        word += len + (word[len] == '|');
    }
    return true;
}

oph_frames *h5_test_open(const char *path, const char *dataset)
{
    oph_frames *frames = NULL;
    oph_error err;

    if (oph_frames_open(path, dataset, 0, &frames, &err)) testDiag("%s", err.text);
    return frames;
}
