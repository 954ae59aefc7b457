/* Documents that were kept as JSON lines, to a sink again. */
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include <cophyd/documents.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 16, LINE_MAX_BYTES = 64 << 20 };

/* A run that has begun. */
struct begun {
    char *uid;
    uint64_t line;
};

struct replay {
    const char *file;
    int fd;
    char *piece; /* PIECE bytes, of which those from `at` to `end` were not looked at yet */
    size_t at, end;
    int64_t left; /* bytes of the file that are still to be read */
    struct oph__buf line;
    uint64_t number; /* of the line, from 1 */
    bool cut;        /* it is the last, and has no end */
    oph_document_fn *sink;
    void *user;
    bool refused;         /* by the sink: what comes later in the file is not known */
    struct oph__vec open; /* struct begun */
    oph_replayed done;
};

static int failed(const struct replay *r, int code, const char *why, oph_error *err)
{
    return oph__fail_text(err, code, "%s:%llu: %s", r->file, (unsigned long long)r->number, why);
}

/* What is there now is replayed: a sink may append to the same file. A pipe has no length. */
static int begin(struct replay *r, oph_error *err)
{
    struct stat st;
    if (!r->sink)
        return oph__fail_text(err, OPH_EINVAL, "%s: wanted a sink of its documents, found NULL",
                              r->file);
    r->fd = open(r->file, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &st))
        return oph__fail_text(err, OPH_EFILE, "%s: reading documents: %s", r->file,
                              strerror(errno));
    r->left = S_ISREG(st.st_mode) ? st.st_size : INT64_MAX;
    r->piece = malloc(PIECE);
    return r->piece ? 0 : oph__fail_memory(err, "documents");
}

/* 1 when there are bytes to look at, 0 at the file's end. */
static int fill(struct replay *r, oph_error *err)
{
    if (r->at < r->end) return 1;
    size_t most = r->left < PIECE ? (size_t)r->left : PIECE;
    ssize_t n;
    do {
        n = read(r->fd, r->piece, most);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return failed(r, OPH_EFILE, strerror(errno), err);
    r->left -= n;
    r->at = 0;
    r->end = (size_t)n;
    return n > 0;
}

/* The next line, without its end: 1, or 0 where there is none. */
static int next_line(struct replay *r, oph_error *err)
{
    int rc;
    r->line.len = 0;
    r->number++;
    while ((rc = fill(r, err)) == 1) {
        const char *from = r->piece + r->at, *stop = memchr(from, '\n', r->end - r->at);
        size_t n = stop ? (size_t)(stop - from) : r->end - r->at;
        if (r->line.len + n > LINE_MAX_BYTES)
            return failed(r, OPH_EPARSE, "wanted a line of at most 64 MiB, found a longer one",
                          err);
        oph__buf_add_n(&r->line, from, n);
        if (r->line.failed) return oph__fail_memory(err, "a document");
        r->at += n + (stop != NULL);
        if (stop) return 1;
    }
    r->cut = true;
    return rc ? rc : r->line.len > 0;
}

/* Where a JSON text that is known to be right has its next token. */
static char *skip_blanks(char *at)
{
    return at + strspn(at, " \t\r");
}

/* The document's own text in ["name",{...}], ended by a NUL in place of the bracket: its numbers
 * stay as they were written. */
static char *document_text(char *line)
{
    char *at = skip_blanks(skip_blanks(line) + 1) + 1; /* in the name */
    while (*at != '"')
        at += *at == '\\' ? 2 : 1;
    *strrchr(line, ']') = '\0';
    return skip_blanks(skip_blanks(at + 1) + 1);
}

static struct begun *find_begun(const struct replay *r, const char *uid, size_t *ret_index)
{
    for (size_t i = 0; i < r->open.count; i++) {
        struct begun *b = r->open.at[i];
        if (!oph__equal(b->uid, uid)) continue;
        *ret_index = i;
        return b;
    }
    return NULL;
}

static void free_begun(struct begun *b)
{
    if (b) free(b->uid);
    free(b);
}

/* Keeps account of which runs are whole. */
static int account(struct replay *r, const char *name, const json_t *document, oph_error *err)
{
    size_t index;
    r->done.documents++;
    if (oph__equal(name, "start")) {
        const char *uid = json_string_value(json_object_get(document, "uid"));
        struct begun *b = calloc(1, sizeof *b);
        if (b) *b = (struct begun){.uid = oph__dup(uid ? uid : ""), .line = r->number};
        if (!b || !b->uid || !oph__vec_add(&r->open, b)) {
            free_begun(b);
            return oph__fail_memory(err, "a run");
        }
        r->done.runs++;
    } else if (oph__equal(name, "stop")) {
        const char *uid = json_string_value(json_object_get(document, "run_start"));
        struct begun *b = find_begun(r, uid ? uid : "", &index);
        if (!b) return 0;
        free_begun(oph__vec_remove(&r->open, index));
        r->done.complete++;
    }
    return 0;
}

/* What the sink says is not to be trusted to be an error. */
static int hand_on(struct replay *r, const char *name, char *text, oph_error *err)
{
    oph_error one = OPH_ERROR_INIT;
    int32_t said = r->sink(r->user, name, text, strlen(text), &one);
    if (!said) return 0;
    r->refused = true;
    if (one.code >= 0) {
        char why[64];
        oph__format(why, sizeof why, "the sink refused the document (%d)", (int)said);
        return failed(r, OPH_EFILE, why, err);
    }
    if (err) *err = one;
    return one.code;
}

/* As event-model's all are: a sink may write it as it is. */
static bool is_name(const char *name)
{
    return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")];
}

static int take_line(struct replay *r, oph_error *err)
{
    json_error_t why;
    const char *name;
    json_t *document;
    /* jansson passes over one after a number. */
    if (memchr(r->line.text, '\0', r->line.len))
        return failed(r, OPH_EPARSE, "wanted a line of text, found a NUL in it", err);
    json_t *line = json_loadb(r->line.text, r->line.len, JSON_REJECT_DUPLICATES, &why);
    if (!line)
        return failed(r, OPH_EPARSE,
                      r->cut ? "the last line is cut off, as by the end of its writer" : why.text,
                      err);
    int rc =
        json_unpack(line, "[so!]", &name, &document) || !json_is_object(document) || !is_name(name)
            ? failed(r, OPH_EPARSE, "wanted a document as [\"name\",{...}]", err)
            : hand_on(r, name, document_text(r->line.text), err);
    if (!rc) rc = account(r, name, document, err);
    json_decref(line);
    return rc;
}

static oph_report *tell_open(const struct replay *r)
{
    oph_error one = OPH_ERROR_INIT;
    oph_report *report = oph__report_new();
    for (size_t i = 0; !r->refused && i < r->open.count; i++) {
        const struct begun *b = r->open.at[i];
        oph__fail_text(&one, OPH_EFILE, "%s:%llu: the run %s has no stop document", r->file,
                       (unsigned long long)b->line, b->uid);
        oph__report_add(report, &one);
    }
    return report;
}

static void clear(struct replay *r)
{
    for (size_t i = 0; i < r->open.count; i++)
        free_begun(r->open.at[i]);
    oph__vec_free(&r->open);
    oph__buf_free(&r->line);
    free(r->piece);
    if (r->fd >= 0) close(r->fd);
}

int oph_documents_replay(const char *file, oph_document_fn *sink, void *user, oph_replayed *ret,
                         oph_report **ret_report, oph_error *err)
{
    struct replay r = {.file = file, .sink = sink, .user = user, .fd = -1};
    int rc = begin(&r, err);
    while (!rc && (rc = next_line(&r, err)) == 1)
        rc = r.line.len ? take_line(&r, err) : 0;
    if (!rc && ret) *ret = r.done;
    oph__report_give(tell_open(&r), ret_report);
    clear(&r);
    return rc;
}
