/* TIFF files, read by the TIFF specification alone. */
#ifndef TEST_TIFF_H
#define TEST_TIFF_H

#include <stddef.h>

struct tiff {
    unsigned char *bytes;
    size_t size;
    double tag[65536];
};

/* The first value of each tag of a little-endian file; -1 where there is no such tag. NULL: it is
 * no such file. Holds until the next call. */
struct tiff *tiff_load(const char *path);
/* A pixel of any type, by where its bytes are. */
double tiff_element(const struct tiff *t, size_t at);

/* How many pixels are not those of a simulated Pilatus's frame; -1: no TIFF of that size. */
long tiff_wrong_pixels(const char *path, int frame, int cols, int rows);

#endif
