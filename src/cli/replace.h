/* Writing a file whole, or leaving it as it was. */
#ifndef CLI_REPLACE_H
#define CLI_REPLACE_H

#include <stdbool.h>
#include <stdio.h>

struct replacement {
    char *file; /* to which links lead */
    char *part; /* the new one beside it; NULL: what is there is written to */
    FILE *out;  /* to be written to */
};

/* Makes the new file; or opens what is there and is no regular file, as a pipe or a device. False
 * with errno. */
bool replace_begin(struct replacement *r, const char *file);
/* `ok`: what was written goes to the disk and takes the file's place; else, and where that fails,
 * it goes. False with errno where that failed, and where it was not ok. */
bool replace_end(struct replacement *r, bool ok);

#endif
