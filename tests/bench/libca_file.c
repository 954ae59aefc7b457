#include "bench/side.h"
#include "bench/libca.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN "/bench/"

/* The IOC's /bench/ is our DISK. libhdf5 without file locks, as a reader of a detector's files. The
 * filter is a plugin of HDF5's, so the chunk is fetched and left as it is. */
void file_read(const char *name)
{
    static char chunk[FRAME * 4 + 1024];
    const hsize_t first[3] = {0};
    const char *disk = getenv("DISK");
    char path[512];
    hsize_t bytes = 0;
    uint32_t mask = 0;

    side_need(disk && strncmp(name, SEEN, strlen(SEEN)) == 0, "libca: a strange file name");
    snprintf(path, sizeof path, "%s/%s", disk, name + strlen(SEEN));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    side_need(data >= 0 && H5Dget_chunk_storage_size(data, first, &bytes) >= 0 &&
                  bytes <= sizeof chunk &&
                  H5Dread_chunk(data, H5P_DEFAULT, first, &mask, chunk) >= 0,
              "libca: no frame");
    H5Dclose(data);
    H5Fclose(file);
}
