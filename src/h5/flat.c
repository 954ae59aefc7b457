#include "h5/flat.h"

#include "base/str.h"

#include <string.h>

enum oph__form oph__flat_form(const unsigned char *head, size_t size)
{
    if (size >= 4 && (memcmp(head, "II*\0", 4) == 0 || memcmp(head, "MM\0*", 4) == 0))
        return OPH__FORM_TIFF;
    if (size >= 6 && memcmp(head, "###CBF", 6) == 0) return OPH__FORM_CBF;
    return OPH__FORM_HDF5;
}

enum oph__h5_seen oph__flat_busy(char *found, size_t size)
{
    oph__copy(found, size, "that the IOC still writes this file: it ends within its image");
    return OPH__H5_BUSY;
}

enum oph__h5_seen oph__flat_broken(char *found, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    oph__vcut(found, size, format, args);
    va_end(args);
    return OPH__H5_BROKEN;
}

bool oph__flat_image(enum oph_dtype dtype, uint64_t rows, uint64_t cols, uint64_t address,
                     uint64_t stored, struct oph__image *ret)
{
    struct oph__image image = {
        .dtype = dtype,
        .type = -1,
        .item_bytes = oph_dtype_size(dtype),
        .rank = 3,
        .dims = {1, rows, cols},
        .most = {1, rows, cols},
        .layout = H5D_CONTIGUOUS,
        .chunk = {1, rows, cols},
        .address = address,
        .stored_bytes = stored,
        .is_ours = true,
    };
    uint64_t pixels;

    if (rows == 0 || cols == 0 || __builtin_mul_overflow(rows, cols, &pixels) ||
        __builtin_mul_overflow(pixels, image.item_bytes, &image.frame_bytes) ||
        image.frame_bytes > INT64_MAX)
        return false;
    image.chunk_bytes = image.frame_bytes;
    oph__copy(image.filters.text, sizeof image.filters.text, "none");
    *ret = image;
    return true;
}

enum oph__h5_seen oph__flat_look(const struct oph__source *source, struct oph__image *ret,
                                 char *found, size_t size)
{
    return source->form == OPH__FORM_TIFF ? oph__tiff_look(source, ret, found, size)
                                          : oph__cbf_look(source, ret, found, size);
}
