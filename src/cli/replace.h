/* Writing a file whole, or leaving it as it was. */
#ifndef CLI_REPLACE_H
#define CLI_REPLACE_H

#include <stdbool.h>
#include <stdio.h>

struct replacement {
    const char *file; /* borrowed */
    char *part;       /* the new one beside it */
    FILE *out;        /* to be written to */
};

/* Makes the new file. False with errno. */
bool replace_begin(struct replacement *r, const char *file);
/* `ok`: what was written goes to the disk and takes the file's place; else, and where that fails,
 * it goes. False with errno where that failed, and where it was not ok. */
bool replace_end(struct replacement *r, bool ok);

#endif
