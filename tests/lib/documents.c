#include "lib/documents.h"

#include <epicsUnitTest.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_line(const char *name, const char *json)
{
    char path[512];
    const char *folder = getenv("COPHYD_DOCUMENTS");
    if (!folder) return;
    snprintf(path, sizeof path, "%s/%s.jsonl", folder, program_invocation_short_name);
    FILE *out = fopen(path, "a");
    if (!out) testAbort("%s: %s", path, strerror(errno));
    fprintf(out, "[\"%s\",%s]\n", name, json);
    fclose(out);
}

int32_t documents_take(void *documents, const char *name, const char *json, size_t length,
                       oph_error *err)
{
    struct documents *d = documents;
    (void)err;
    if (d->refuse && d->count + 1 == d->refuse) return 7;
    if (d->count == DOCUMENTS_MAX) testAbort("too many documents");
    if (strlen(json) != length || strchr(json, '\n')) testAbort("no line: %s", json);
    json_t *doc = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
    if (!doc) testAbort("no JSON: %s", json);
    snprintf(d->names[d->count], sizeof d->names[0], "%s", name);
    d->docs[d->count++] = doc;
    keep_line(name, json);
    if (d->on) d->on(d, d->user);
    return 0;
}

void documents_clear(struct documents *d)
{
    for (int i = 0; i < d->count; i++)
        json_decref(d->docs[i]);
    *d = (struct documents){0};
}

int documents_are(const struct documents *d, const char *names)
{
    char found[DOCUMENTS_MAX * 20] = "";
    size_t n = 0;
    for (int i = 0; i < d->count; i++)
        n += (size_t)snprintf(found + n, sizeof found - n, "%s%s", i ? " " : "", d->names[i]);
    int ok = !strcmp(found, names);
    testOk(ok, "the documents are: %s", names);
    if (!ok) testDiag("found: %s", found);
    return ok;
}

json_t *documents_nth(const struct documents *d, const char *name, int n)
{
    for (int i = 0; i < d->count; i++)
        if (!strcmp(d->names[i], name) && n-- == 0) return d->docs[i];
    return NULL;
}

json_t *documents_at(const json_t *doc, const char *path)
{
    char name[128];
    while (doc && *path) {
        size_t n = strcspn(path, "/");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        doc = json_object_get(doc, name);
        path += n + (path[n] == '/');
    }
    return (json_t *)(uintptr_t)doc;
}

int documents_say(const json_t *doc, const char *path, const char *wanted)
{
    json_t *at = documents_at(doc, path);
    char *found = at ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int ok = !strcmp(found ? found : "", wanted);
    testOk(ok, "%s is %s", path, *wanted ? wanted : "not there");
    if (!ok) testDiag("found %s", found ? found : "nothing");
    free(found);
    return ok;
}
