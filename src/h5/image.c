/* What the image dataset is: element type, shape, layout. */
#include "h5/h5.h"

#include <string.h>

/* HDF5's own limit for a chunk. */
static const uint64_t largest_chunk = UINT32_MAX;

static hid_t native_type(enum oph_dtype dtype)
{
    switch (dtype) {
    case OPH_INT8: return H5T_NATIVE_INT8;
    case OPH_UINT8: return H5T_NATIVE_UINT8;
    case OPH_INT16: return H5T_NATIVE_INT16;
    case OPH_UINT16: return H5T_NATIVE_UINT16;
    case OPH_INT32: return H5T_NATIVE_INT32;
    case OPH_UINT32: return H5T_NATIVE_UINT32;
    case OPH_INT64: return H5T_NATIVE_INT64;
    case OPH_UINT64: return H5T_NATIVE_UINT64;
    case OPH_FLOAT32: return H5T_NATIVE_FLOAT;
    case OPH_FLOAT64: return H5T_NATIVE_DOUBLE;
    default: return -1;
    }
}

static enum oph_dtype dtype_of(hid_t type)
{
    size_t size = H5Tget_size(type);

    if (H5Tget_class(type) == H5T_FLOAT)
        return size == 4 ? OPH_FLOAT32 : size == 8 ? OPH_FLOAT64 : OPH_NONE;
    if (H5Tget_class(type) != H5T_INTEGER) return OPH_NONE;
    int is_unsigned = H5Tget_sign(type) == H5T_SGN_NONE;
    switch (size) {
    case 1: return is_unsigned ? OPH_UINT8 : OPH_INT8;
    case 2: return is_unsigned ? OPH_UINT16 : OPH_INT16;
    case 4: return is_unsigned ? OPH_UINT32 : OPH_INT32;
    case 8: return is_unsigned ? OPH_UINT64 : OPH_INT64;
    default: return OPH_NONE;
    }
}

static const char *class_name(H5T_class_t class)
{
    switch (class) {
    case H5T_INTEGER: return "integers";
    case H5T_FLOAT: return "floating-point numbers";
    case H5T_STRING: return "strings";
    case H5T_COMPOUND: return "compound elements";
    case H5T_ENUM: return "enumerations";
    case H5T_ARRAY: return "arrays";
    default: return "elements that are no numbers";
    }
}

static int read_type(hid_t dataset, const char *file, const char *name, struct oph__image *image,
                     oph_error *err)
{
    hid_t type = H5Dget_type(dataset);
    if (type < 0)
        return oph__h5_fail(err, OPH_EFILE, file, name, "a damaged element type%s",
                            oph__h5_why().text);
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    image->dtype = dtype_of(type);
    image->type = native_type(image->dtype);
    image->item_bytes = size;
    hid_t other = image->type >= 0 ? H5Tcopy(image->type) : -1;
    if (other >= 0) {
        H5Tset_order(other, H5Tget_order(other) == H5T_ORDER_LE ? H5T_ORDER_BE : H5T_ORDER_LE);
        bool is_plain = H5Tequal(type, image->type) > 0, is_other = H5Tequal(type, other) > 0;
        image->swapped = is_other && size > 1;
        image->theirs = !is_plain && !is_other;
        H5Tclose(other);
    }
    H5Tclose(type);
    if (other < 0)
        return oph__h5_fail(err, OPH_EFILE, file, "integers of 1 to 8 bytes or floats of 4 or 8",
                            "%s of %zu bytes in %s", class_name(class), size, name);
    return 0;
}

/* Sets rank and dimensions. */
static int read_dims(hid_t dataset, const char *file, const char *name, struct oph__image *image,
                     oph_error *err)
{
    hsize_t dims[H5S_MAX_RANK], most[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    int got = rank >= 0 ? H5Sget_simple_extent_dims(space, dims, most) : -1;

    if (space >= 0) H5Sclose(space);
    if (got < 0) return oph__h5_fail(err, OPH_EFILE, file, name, "a damaged shape");
    if (rank < 2 || rank > OPH__H5_RANK)
        return oph__h5_fail(err, OPH_EFILE, file, "an image of 2 to 10 dimensions", "%d in %s",
                            rank, name);
    image->lifted = rank == 2;
    image->rank = rank + image->lifted;
    image->dims[0] = image->most[0] = 1;
    for (int i = 0; i < rank; i++) {
        image->dims[i + image->lifted] = dims[i];
        image->most[i + image->lifted] = most[i];
    }
    return 0;
}

/* The product of sizes after the first, times `bytes`; false where it is 0 or beyond INT64_MAX. */
static bool multiply(const hsize_t *sizes, int first, int rank, uint64_t bytes, uint64_t *ret)
{
    for (int i = first; i < rank; i++)
        if (__builtin_mul_overflow(bytes, sizes[i], &bytes)) return false;
    *ret = bytes;
    return bytes > 0 && bytes <= INT64_MAX;
}

static int check_frames(const char *file, const char *name, struct oph__image *image,
                        oph_error *err)
{
    uint64_t all;

    if (!multiply(image->dims, 1, image->rank, image->item_bytes, &image->frame_bytes) ||
        image->dims[0] > INT64_MAX ||
        __builtin_mul_overflow(image->dims[0], image->frame_bytes, &all) || all > INT64_MAX)
        return oph__h5_fail(err, OPH_EFILE, file, name,
                            "an impossible shape: %llu frames whose rows have %llu pixels",
                            (unsigned long long)image->dims[0],
                            (unsigned long long)image->dims[image->rank - 1]);
    return 0;
}

static int read_chunks(hid_t plist, const struct oph__source *source, const char *name,
                       struct oph__image *image, oph_error *err)
{
    hsize_t chunk[H5S_MAX_RANK];
    unsigned options = 0;
    int rank = image->rank - image->lifted;

    if (H5Pget_chunk(plist, H5S_MAX_RANK, chunk) != rank)
        return oph__h5_fail(err, OPH_EFILE, source->path, name, "damaged chunks%s",
                            oph__h5_why().text);
    image->chunk[0] = 1;
    for (int i = 0; i < rank; i++)
        image->chunk[i + image->lifted] = chunk[i];
    if (H5Pget_chunk_opts(plist, &options) < 0 || options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS)
        image->theirs = true;
    return 0;
}

/* H5Dget_offset adds the size of a user block, even to HADDR_UNDEF. */
static haddr_t address_of(hid_t dataset)
{
    H5D_space_status_t status;

    if (H5Dget_space_status(dataset, &status) < 0 || status == H5D_SPACE_STATUS_NOT_ALLOCATED)
        return HADDR_UNDEF;
    return H5Dget_offset(dataset);
}

static int read_layout(hid_t dataset, const struct oph__source *source, const char *name,
                       struct oph__image *image, oph_error *err)
{
    hid_t plist = H5Dget_create_plist(dataset);
    int rc = 0;

    if (plist < 0)
        return oph__h5_fail(err, OPH_EFILE, source->path, name, "a damaged layout%s",
                            oph__h5_why().text);
    image->layout = H5Pget_layout(plist);
    oph__filters_read(plist, &image->filters);
    if (image->layout == H5D_CHUNKED)
        rc = read_chunks(plist, source, name, image, err);
    else if (image->layout == H5D_VIRTUAL)
        rc = oph__h5_fail(err, OPH_EFILE, source->path, name,
                          "a virtual dataset: open the files that it is made of");
    else if (H5Pget_external_count(plist) != 0)
        rc = oph__h5_fail(err, OPH_EFILE, source->path, name, "that its pixels are in other files");
    else if (image->layout == H5D_CONTIGUOUS)
        image->address = address_of(dataset);
    H5Pclose(plist);
    return rc;
}

static int check_chunks(const char *file, const char *name, struct oph__image *image,
                        oph_error *err)
{
    uint64_t bytes;

    if (!multiply(image->chunk, 0, image->rank, image->item_bytes, &bytes) || bytes > largest_chunk)
        return oph__h5_fail(err, OPH_EFILE, file, name, "damaged chunks, beyond 4 GB each");
    /* libhdf5 makes no such chunks; it trusts a damaged size more than what the filters return. */
    for (int i = 0; i < image->rank; i++)
        if (image->chunk[i] > image->most[i]) /* H5S_UNLIMITED is the largest number */
            return oph__h5_fail(
                err, OPH_EFILE, file, name, "damaged chunks, %llu long where the shape has %llu",
                (unsigned long long)image->chunk[i], (unsigned long long)image->most[i]);
    image->chunk_bytes = bytes;
    return 0;
}

/* Pixels that stand one after the other: a chunk is a frame. */
static int check_contiguous(const struct oph__source *source, const char *name,
                            struct oph__image *image, oph_error *err)
{
    if (image->dims[0] > 0 && image->frame_bytes > (uint64_t)source->stat.st_size / image->dims[0])
        return oph__h5_fail(err, OPH_EFILE, source->path, name,
                            "%llu frames of %llu bytes, which a file of %lld bytes cannot hold",
                            (unsigned long long)image->dims[0],
                            (unsigned long long)image->frame_bytes,
                            (long long)source->stat.st_size);
    memcpy(image->chunk, image->dims, sizeof image->chunk);
    image->chunk[0] = 1;
    image->chunk_bytes = image->frame_bytes;
    image->stored_bytes = image->frame_bytes;
    return 0;
}

/* What another process may have got wrong, since libhdf5 damaged it. */
static bool is_sane(const struct oph__image *image)
{
    return image->dtype > OPH_NONE && image->dtype <= OPH_FLOAT64 && image->rank >= 3 &&
           image->rank <= OPH__H5_RANK && (image->lifted == 0 || image->lifted == 1) &&
           image->rank - image->lifted >= 2 && image->filters.count >= 0 &&
           image->filters.count <= H5Z_MAX_NFILTERS &&
           memchr(image->filters.text, 0, sizeof image->filters.text) &&
           (image->layout == H5D_CHUNKED || image->layout == H5D_CONTIGUOUS ||
            image->layout == H5D_COMPACT);
}

int oph__image_check(const struct oph__source *source, const char *name, struct oph__image *image,
                     oph_error *err)
{
    int rc =
        is_sane(image) ? 0 : oph__h5_fail(err, OPH_EFILE, source->path, name, "a damaged layout");

    image->item_bytes = rc ? 0 : oph_dtype_size(image->dtype);
    image->swapped = image->swapped && image->item_bytes > 1;
    if (rc == 0) rc = check_frames(source->path, name, image, err);
    if (rc == 0 && image->layout == H5D_CHUNKED)
        rc = check_chunks(source->path, name, image, err);
    else if (rc == 0 && image->layout == H5D_CONTIGUOUS)
        rc = check_contiguous(source, name, image, err);
    image->is_ours = rc == 0 && (image->layout == H5D_CHUNKED || image->layout == H5D_CONTIGUOUS) &&
                     !image->theirs && oph__filters_are_ours(&image->filters, image->item_bytes);
    return rc;
}

int oph__image_read(hid_t dataset, const struct oph__source *source, const char *name,
                    struct oph__image *ret, oph_error *err)
{
    struct oph__image image = {0};
    int rc = read_type(dataset, source->path, name, &image, err);

    if (rc == 0) rc = read_dims(dataset, source->path, name, &image, err);
    if (rc == 0) rc = read_layout(dataset, source, name, &image, err);
    if (rc == 0) rc = oph__image_check(source, name, &image, err);
    if (rc == 0) *ret = image;
    return rc;
}

int oph__image_update(hid_t dataset, const struct oph__source *source, const char *name,
                      struct oph__image *image, oph_error *err)
{
    struct oph__image now = *image;

    if (H5Drefresh(dataset) < 0)
        return oph__h5_fail(err, OPH_EFILE, source->path, name, "that it cannot be read again%s",
                            oph__h5_why().text);
    int rc = read_dims(dataset, source->path, name, &now, err);
    if (rc == 0) rc = check_frames(source->path, name, &now, err);
    if (rc == 0 && (now.rank != image->rank || now.frame_bytes != image->frame_bytes))
        rc = oph__h5_fail(err, OPH_EFILE, source->path, name, "frames of another size than before");
    if (rc == 0) *image = now;
    return rc;
}
