/* Images as camserver and the TIFF1: plugin store them: a TIFF of one uncompressed strip,
 * little-endian, the pixels from byte 4096 on; camserver's are signed 32-bit integers. Nothing else
 * is written or read, so a library would bring a dependency and save a table of tags. */
#ifndef SIM_TIFF_H
#define SIM_TIFF_H

#include <stddef.h>
#include <stdint.h>

#include "sim/array.h"

/* pixels: row by row. description: lines about the exposure. A file that was there is replaced.
 * 0 or -1. */
int sim_tiff_write(const char *real_path, const int32_t *pixels, int cols, int rows,
                   const char *description);

/* A frame of any type, with the tags that NDFileTIFF adds. */
int sim_tiff_write_frame(const char *real_path, const struct sim_frame *frame);

/* -1: no such file, or none of this kind and size. */
int sim_tiff_read(const char *real_path, int32_t *pixels, int cols, int rows);

#endif
