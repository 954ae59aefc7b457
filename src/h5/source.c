/* libhdf5's way to the file: a read-only file driver on the descriptor that was probed.
 *
 * HDF5's own driver takes a file lock where the environment asks for it, whatever the property list
 * says, and shares one set of cached metadata between two openings of a file, also when the file
 * was written anew in between. This one does neither and reads nothing but this descriptor. It can
 * also tell where libhdf5 would read pixels instead of reading them: libhdf5's own calls that tell
 * it walk through the whole index each time, and take a length from the file that they do not
 * check. */
#include "h5/h5.h"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct driver {
    H5FD_t base; /* libhdf5's, and first */
    const struct oph__source *source;
    haddr_t end; /* of what libhdf5 takes for allocated */
};

struct driver_info {
    struct oph__source *source;
};

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access_plist,
                           haddr_t max_address)
{
    const struct driver_info *info = H5Pget_driver_info(access_plist);

    (void)max_address;
    /* Another name is an external link's: its file is not ours to open. */
    if (!info || (flags & H5F_ACC_RDWR) || strcmp(name, info->source->path) != 0) return NULL;
    struct driver *driver = calloc(1, sizeof *driver);
    info->source->no_room = driver == NULL;
    if (!driver) return NULL;
    driver->source = info->source;
    return &driver->base;
}

static herr_t driver_close(H5FD_t *file)
{
    free(file);
    return 0;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_SUPPORTS_SWMR_IO;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct driver *)file)->end;
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((struct driver *)file)->end = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    struct stat now;

    (void)type;
    return fstat(((const struct driver *)file)->source->fd, &now) ? 0 : (haddr_t)now.st_size;
}

size_t oph__source_fetch(const struct oph__source *source, uint64_t address, void *to, size_t size)
{
    size_t done = 0;

    errno = 0;
    if (address > INT64_MAX || size > INT64_MAX - address) return 0;
    while (done < size) {
        ssize_t got = pread(source->fd, (char *)to + done, size - done, (off_t)(address + done));
        if (got < 0 && errno == EINTR) {
            errno = 0;
            continue;
        }
        if (got <= 0) break;
        done += (size_t)got;
    }
    return done;
}

static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t plist, haddr_t address, size_t size,
                          void *buffer)
{
    const struct oph__source *source = ((struct driver *)file)->source;

    (void)plist;
    if (type == H5FD_MEM_DRAW && source->place) {
        *source->place = (struct oph__place){.address = address, .size = size};
        return 0;
    }
    size_t done = oph__source_fetch(source, address, buffer, size);
    if (done < size && (errno || type == H5FD_MEM_DRAW)) return -1;
    /* libhdf5 guesses the length of some headers and expects zeros after the end. */
    memset((char *)buffer + done, 0, size - done);
    return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t plist, haddr_t address, size_t size,
                           const void *buffer)
{
    (void)file, (void)type, (void)plist, (void)address, (void)size, (void)buffer;
    return -1;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = H5_VFD_MAX, /* of no registered driver */
#endif
    .name = "cophyd",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(struct driver_info),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write, /* libhdf5 wants one */
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t oph__source_h5(struct oph__source *source, struct oph__h5_why *why)
{
    /* A damaged header of a file with a SWMR writer is read again and again, each time after twice
     * the pause: 20 attempts are some 20 ms, the default of 100 is for ever. */
    const unsigned attempts = 20;
    const unsigned flags = H5F_ACC_RDONLY | (source->swmr ? H5F_ACC_SWMR_READ : 0);
    struct driver_info info = {source};
    /* Registered for this opening only, since libhdf5 may be shut down and started in between. */
    hid_t driver = H5FDregister(&driver_class);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;

#if H5_VERSION_GE(1, 14, 4)
    /* It would refuse what N-bit leaves fewer than half of the bits of, for it may be damage. */
    H5Pset_relax_file_integrity_checks(access, H5F_RFIC_UNUSUAL_NUM_UNUSED_NUMERIC_BITS);
#endif
    if (driver >= 0 && access >= 0 && H5Pset_driver(access, driver, &info) >= 0 &&
        H5Pset_metadata_read_attempts(access, attempts) >= 0)
        file = H5Fopen(source->path, flags, access);
    if (file < 0) *why = oph__h5_why();
    if (access >= 0) H5Pclose(access);
    if (driver >= 0) H5FDunregister(driver);
    return file;
}
