/* One frame in a file of its own, as camserver and areaDetector's TIFF plugin write them. */
#ifndef H5_FLAT_H
#define H5_FLAT_H

#include "h5/h5.h"

/* What kind of file begins with these bytes. */
enum oph__form oph__flat_form(const unsigned char *head, size_t size);

/* Where the frame is and what it is made of. Other than OPH__H5_READY, `found` says what is the
 * matter; OPH__H5_BUSY: the file ends too early, as one does that is still being written. */
enum oph__h5_seen oph__flat_look(const struct oph__source *source, struct oph__image *ret,
                                 char *found, size_t size);

/* For the two formats. */
enum oph__h5_seen oph__tiff_look(const struct oph__source *source, struct oph__image *ret,
                                 char *found, size_t size);
enum oph__h5_seen oph__cbf_look(const struct oph__source *source, struct oph__image *ret,
                                char *found, size_t size);
/* Says what is the matter. */
enum oph__h5_seen oph__flat_busy(char *found, size_t size);
enum oph__h5_seen oph__flat_broken(char *found, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An image of `rows` by `cols` whose `stored` bytes begin at `address`. False: no such image. */
bool oph__flat_image(enum oph_dtype dtype, uint64_t rows, uint64_t cols, uint64_t address,
                     uint64_t stored, struct oph__image *ret);

#endif
