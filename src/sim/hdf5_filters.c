#include "sim/hdf5_filters.h"

#include "sim/hdf5_blosc.h"
#include "sim/hdf5_bslz4.h"
#include "sim/hdf5_lz4.h"

/* Only the lowest bits of each element, from an offset on. */
static herr_t set_nbit(const struct sim_hdf5_options *o, hid_t type, hid_t plist)
{
    if (H5Tset_precision(type, (size_t)o->nbit_precision) < 0 ||
        H5Tset_offset(type, (size_t)o->nbit_offset) < 0)
        return -1;
    return H5Pset_nbit(plist);
}

static size_t chunk_bytes(hid_t type, hid_t plist)
{
    hsize_t chunk[SIM_HDF5_DIMS] = {0};
    int rank = H5Pget_chunk(plist, SIM_HDF5_DIMS, chunk);
    size_t bytes = H5Tget_size(type);
    for (int i = 0; i < rank; i++)
        bytes *= chunk[i];
    return bytes;
}

static herr_t set_blosc(const struct sim_hdf5_options *o, hid_t type, hid_t plist)
{
    unsigned values[SIM_BLOSC_VALUES];
    if (!sim_hdf5_blosc_register()) return -1;
    sim_hdf5_blosc_values(H5Tget_size(type), chunk_bytes(type, plist), o->blosc_level,
                          o->blosc_shuffle, o->blosc_compressor, values);
    return H5Pset_filter(plist, SIM_FILTER_BLOSC, H5Z_FLAG_MANDATORY, SIM_BLOSC_VALUES, values);
}

static herr_t set_bslz4(hid_t type, hid_t plist)
{
    unsigned values[SIM_BSLZ4_VALUES];
    if (!sim_hdf5_bslz4_register()) return -1;
    sim_hdf5_bslz4_values(H5Tget_size(type), values);
    return H5Pset_filter(plist, SIM_FILTER_BSLZ4, H5Z_FLAG_MANDATORY, SIM_BSLZ4_VALUES, values);
}

bool sim_hdf5_add_filter(const struct sim_hdf5_options *o, hid_t type, hid_t plist)
{
    switch (o->compression) {
    case SIM_NBIT: return set_nbit(o, type, plist) >= 0;
    case SIM_SZIP: return H5Pset_szip(plist, H5_SZIP_NN_OPTION_MASK, (unsigned)o->szip_pixels) >= 0;
    case SIM_ZLIB: return H5Pset_deflate(plist, (unsigned)o->zlevel) >= 0;
    case SIM_BLOSC: return set_blosc(o, type, plist) >= 0;
    case SIM_BSLZ4: return set_bslz4(type, plist) >= 0;
    case SIM_LZ4:
        return sim_hdf5_lz4_register() &&
               H5Pset_filter(plist, SIM_FILTER_LZ4, H5Z_FLAG_MANDATORY, 0, NULL) >= 0;
    default: return true;
    }
}

static bool encodes(H5Z_filter_t filter)
{
    unsigned flags = 0;
    return H5Zfilter_avail(filter) > 0 && H5Zget_filter_info(filter, &flags) >= 0 &&
           flags & H5Z_FILTER_CONFIG_ENCODE_ENABLED;
}

bool sim_hdf5_has_filter(int compression)
{
    switch (compression) {
    case SIM_NONE: return true;
    case SIM_NBIT: return encodes(H5Z_FILTER_NBIT);
    case SIM_SZIP: return encodes(H5Z_FILTER_SZIP);
    case SIM_ZLIB: return encodes(H5Z_FILTER_DEFLATE);
    case SIM_BLOSC: return sim_hdf5_blosc_register();
    case SIM_BSLZ4: return sim_hdf5_bslz4_register();
    case SIM_LZ4: return sim_hdf5_lz4_register();
    default: return false;
    }
}
