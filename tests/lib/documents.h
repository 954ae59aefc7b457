/* A sink that keeps documents, for tests of runs. */
#ifndef TEST_DOCUMENTS_H
#define TEST_DOCUMENTS_H

#include <cophyd/documents.h>
#include <jansson.h>

enum { DOCUMENTS_MAX = 256 };

/* Zero-initialise. */
struct documents {
    int count;
    char names[DOCUMENTS_MAX][20];
    json_t *docs[DOCUMENTS_MAX];
    int refuse; /* the sink refuses document number `refuse`, from 1; 0: none */
    void (*on)(struct documents *documents, void *user); /* called after each; NULL allowed */
    void *user;
};

/* The oph_document_fn: user is the struct documents. Where $COPHYD_DOCUMENTS names a folder, each
 * document is a line of the file of this program there, too: make check-documents validates them.
 */
int32_t documents_take(void *documents, const char *name, const char *json, size_t length,
                       oph_error *err);
void documents_clear(struct documents *documents); /* and refuses nothing any more */

/* One testOk: these came, in this order, separated by blanks. */
int documents_are(const struct documents *documents, const char *names);

/* The nth of that name, from 0, or NULL. Borrowed. */
json_t *documents_nth(const struct documents *documents, const char *name, int n);

/* What is at a path of members separated by slashes; NULL. Borrowed. */
json_t *documents_at(const json_t *doc, const char *path);
/* One testOk: it is this, as compact JSON; "" where nothing is. */
int documents_say(const json_t *doc, const char *path, const char *wanted);

#endif
