/* What the fuzz targets share. Each has one file NAME.c with libFuzzer's LLVMFuzzerTestOneInput;
 * what it finds is a crash, a report of a sanitizer, or a claim that does not hold. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, and says why, where `holds` is false. */
void fuzz_claim(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An input is taken from its beginning; what is no longer there reads as zeros. */
struct fuzz_in {
    const uint8_t *at;
    size_t left;
};
uint64_t fuzz_number(struct fuzz_in *in, int bytes);
uint64_t fuzz_below(struct fuzz_in *in, uint64_t below);
/* Exactly `size` bytes of their own, malloc'ed, so that a byte more is seen. */
void *fuzz_bytes(struct fuzz_in *in, size_t size);
/* Up to the end of the line, or all; malloc'ed. */
char *fuzz_line(struct fuzz_in *in);
char *fuzz_rest(struct fuzz_in *in);

/* The input as a file: a path that can be opened until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

#endif
