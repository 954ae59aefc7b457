/* The layout, NDFileHDF5's default:
 *
 * /entry                                   NXentry
 *   instrument                             NXinstrument
 *     detector                             NXdetector
 *       data                               [frame, y, x]
 *       NDAttributes                       NXcollection
 *     NDAttributes                         NXcollection: one value a frame
 *     performance                          timestamp: five values a frame
 *   data                                   NXdata
 *     data                                 the same dataset, by a hard link
 */
#include "sim/hdf5_layout.h"

#include <string.h>

bool sim_hdf5_add_text(hid_t object, const char *name, const char *text)
{
    hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
    hid_t attribute;
    bool ok;

    H5Tset_size(type, strlen(text) + 1);
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ok = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
    return ok;
}

bool sim_hdf5_add_ints(hid_t object, const char *name, hsize_t count, const int *values)
{
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, values) >= 0;

    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return ok;
}

static bool add_group(hid_t file, const char *path, const char *nx_class)
{
    hid_t group = H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = group >= 0 && (!nx_class || sim_hdf5_add_text(group, "NX_class", nx_class));

    if (group >= 0) H5Gclose(group);
    return ok;
}

bool sim_hdf5_add_groups(hid_t file)
{
    return add_group(file, "/entry", "NXentry") &&
           add_group(file, "/entry/instrument", "NXinstrument") &&
           add_group(file, "/entry/instrument/detector", "NXdetector") &&
           add_group(file, "/entry/instrument/detector/NDAttributes", "NXcollection") &&
           add_group(file, "/entry/instrument/NDAttributes", "NXcollection") &&
           add_group(file, "/entry/instrument/performance", NULL) &&
           add_group(file, "/entry/data", "NXdata");
}

hid_t sim_hdf5_add_rows(hid_t file, const char *group_path, const char *name, hid_t type,
                        hsize_t columns, hsize_t chunk)
{
    int rank = columns ? 2 : 1;
    hsize_t size[2] = {1, columns}, most[2] = {H5S_UNLIMITED, columns},
            chunks[2] = {chunk, columns};
    hid_t group = H5Gopen2(file, group_path, H5P_DEFAULT);
    hid_t space = H5Screate_simple(rank, size, most);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;

    if (H5Pset_chunk(plist, rank, chunks) >= 0)
        dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Pclose(plist);
    H5Sclose(space);
    H5Gclose(group);
    return dataset;
}
