/* Memory and calls of the system that fail in turn under a run and its sink of JSON lines: each is
 * told of, settings are put back, and the file has whole lines. */
#include "core/device.h"
#include "lib/failing.h"
#include "lib/failing_device.h"
#include "lib/state.h"

#include <cophyd/documents.h>
#include <epicsUnitTest.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *failing_malloc(size_t size);
void failing_free(void *at);

static char path[] = "/tmp/cophyd-lines-XXXXXX";

/* Its members and elements, and theirs. */
static int count_members(const json_t *json)
{
    const char *key;
    json_t *item;
    size_t i;
    int count = 0;

    json_object_foreach((json_t *)(uintptr_t)json, key, item) count += 1 + count_members(item);
    json_array_foreach(json, i, item) count += 1 + count_members(item);
    return count;
}

/* The lines that are there, each a document, and what is in them. -1: they are not. */
static int count_lines(int *ret_members)
{
    static char text[1 << 16];
    int fd = open(path, O_RDONLY), count = 0;
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0) close(fd);
    text[size < 0 ? 0 : size] = '\0';
    *ret_members = 0;
    for (char *at = text, *end; *at; at = end + 1, count++) {
        end = strchr(at, '\n');
        if (!end) return -1;
        *end = '\0';
        json_t *line = json_loads(at, 0, NULL);
        bool good = json_array_size(line) == 2 && json_is_object(json_array_get(line, 1));
        *ret_members += count_members(line);
        json_decref(line);
        if (!good) return -1;
    }
    return count;
}

static int count(oph_device *dev, oph_error *err)
{
    oph_signal *name = NULL;
    oph_report *report = NULL;
    oph_document_lines *lines = NULL;
    oph_count_options options = {.size = sizeof options,
                                 .signals = &name,
                                 .signal_count = 1,
                                 .metadata = "{\"sample\":{\"name\":\"x\"}}",
                                 .reports = &report};

    unlink(path);
    int rc = oph_signal_find(dev, "other.name", &name, err);
    if (!rc) rc = oph_document_lines_open(path, &lines, err);
    if (!rc) rc = oph_count(dev->ctx, &dev, 1, 2, oph_document_lines_write, lines, &options, err);
    oph_document_lines_free(lines);
    oph_report_free(report);
    failing_end();
    return failing_look(dev, rc, err);
}

static int run(void *user, oph_error *err)
{
    static int members;
    (void)user;
    int rc = failing_with_device(count, err);
    failing_end();
    /* jansson takes a word that it has no memory for as a mistake. */
    if (rc == OPH_EPARSE && strstr(err->text, "metadata:")) rc = err->code = OPH_ENOMEM;
    int found, lines = count_lines(&found);
    if (!members) members = found; /* of the first run, in which nothing fails */
    if (rc ? lines >= 0 : lines == 5 && found == members) return rc;
    testDiag("%d lines with %d members, and %s: %s", lines, found, oph_code_name(rc), err->text);
    return OPH_ESTATE;
}

static const struct {
    const char *name;
    int number;
} calls[] = {
    {"open", ENOSPC}, {"write", ENOSPC}, {"write", EIO},   {"write", EINTR},
    {"write", 0},     {"fsync", EIO},    {"fsync", EINTR}, {"fstat", EIO},
};

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    int fd = mkstemp(path);
    testPlan(0);
    if (fd < 0) testAbort("no %s", path);
    close(fd);
    json_set_alloc_funcs(failing_malloc, failing_free);
    failing_device_begin();
    if (run(NULL, &err)) testAbort("%s", err.text);
    failing_in_turn("a run", run, NULL);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        failing_calls_in_turn(calls[i].name, calls[i].number, run, NULL);
    failing_device_end();
    unlink(path);
    return testDone();
}
