/* What the tests of frames share: a folder of their own, and checks that say what went wrong. */
#ifndef TESTS_H5_TEST_H
#define TESTS_H5_TEST_H

#include <cophyd/frames.h>

#include <stdbool.h>

/* A file in a folder of this process; the folder is made by the first call. Valid until the next
 * but three. */
const char *h5_test_path(const char *name);
void h5_test_cleanup(void);

/* The call gave this code, and its sentence has each word of `words`, which "|" separates. */
bool h5_test_says(int rc, int code, const oph_error *err, const char *words);

/* Opens without waiting; says what went wrong. */
oph_frames *h5_test_open(const char *path, const char *dataset);

#endif
