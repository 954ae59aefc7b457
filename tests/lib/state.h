/* Where this program's journals are. */
#ifndef TEST_STATE_H
#define TEST_STATE_H

/* Unless the environment says where (make check does): a folder of the build's. */
void state_default(void);
/* An empty folder of its own from now on, which state_end removes. */
void state_begin(char *ret, int size);
void state_end(void);
/* Journals in it. */
int state_journals(void);

#endif
