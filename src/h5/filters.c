/* The filters that a chunk went through: which they are, and whether this library undoes them. */
#include "h5/h5.h"

#include "base/err.h"
#include "base/str.h"

#include <string.h>
#include <strings.h>

/* As The HDF Group has registered them; those that this library undoes are in h5.h. */
enum { LZF = 32000, ZSTANDARD = 32015, JPEG = 32019, BLOSC2 = 32026 };

static const struct {
    H5Z_filter_t id;
    const char *name;
} names[] = {
    {H5Z_FILTER_DEFLATE, "deflate"},
    {H5Z_FILTER_SHUFFLE, "shuffle"},
    {H5Z_FILTER_FLETCHER32, "fletcher32"},
    {H5Z_FILTER_SZIP, "szip"},
    {H5Z_FILTER_NBIT, "nbit"},
    {H5Z_FILTER_SCALEOFFSET, "scaleoffset"},
    {LZF, "LZF"},
    {OPH__BLOSC, "Blosc"},
    {OPH__LZ4, "LZ4"},
    {OPH__BITSHUFFLE, "bitshuffle"},
    {ZSTANDARD, "Zstandard"},
    {JPEG, "JPEG"},
    {BLOSC2, "Blosc2"},
};

static const char *name_of(H5Z_filter_t id)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].id == id) return names[i].name;
    return NULL;
}

void oph__filters_read(hid_t create_plist, struct oph__filters *ret)
{
    struct oph__filters filters = {0};
    size_t len = 0;
    int count = H5Pget_nfilters(create_plist);

    for (int i = 0; i < count && i < H5Z_MAX_NFILTERS; i++) {
        struct oph__filter *filter = &filters.at[filters.count++];
        unsigned flags, config;
        size_t no_values = OPH__FILTER_VALUES;
        H5Z_filter_t id = H5Pget_filter2(create_plist, (unsigned)i, &flags, &no_values,
                                         filter->values, 0, NULL, &config);
        filter->id = id;
        char number[32];
        const char *name = name_of(id);
        if (!name) name = oph__format(number, sizeof number, "filter %d", id);
        oph__format(filters.text + len, sizeof filters.text - len, "%s%s", len ? "+" : "", name);
        len += strlen(filters.text + len);
    }
    if (filters.count == 0) oph__copy(filters.text, sizeof filters.text, "none");
    *ret = filters;
}

static bool is_codec(const struct oph__filter *filter, size_t item)
{
    switch (filter->id) {
#ifdef OPH_HAVE_LIBDEFLATE
    case H5Z_FILTER_DEFLATE: return true;
#endif
#ifdef OPH_HAVE_BLOSC
    case OPH__BLOSC: return true;
#endif
#ifdef OPH_HAVE_LZ4
    case OPH__LZ4: return true;
#endif
    case OPH__BITSHUFFLE:
#ifdef OPH_HAVE_LZ4
        if (filter->values[OPH__BITSHUFFLE_CODEC] == OPH__BITSHUFFLE_LZ4)
            return filter->values[OPH__BITSHUFFLE_ITEM] == item;
#endif
        return filter->values[OPH__BITSHUFFLE_ITEM] == item &&
               filter->values[OPH__BITSHUFFLE_CODEC] == 0;
    default: return false;
    }
}

bool oph__filters_are_ours(const struct oph__filters *filters, size_t item)
{
    int i = filters->count > 0 && filters->at[0].id == H5Z_FILTER_SHUFFLE &&
            filters->at[0].values[0] == item;

    return i == filters->count || (i == filters->count - 1 && is_codec(&filters->at[i], item));
}

const char *oph__filter_remedy(H5Z_filter_t id)
{
    switch (id) {
    case OPH__LZ4: return "apt-get install -y liblz4-dev, and build cophyd again";
    case OPH__BLOSC: return "apt-get install -y libblosc-dev, and build cophyd again";
    case LZF: return "h5py alone has it: write the data anew with another filter";
    case JPEG:
        return "set HDF5_PLUGIN_PATH to the folder of areaDetector's HDF5_jpeg_plugin "
               "(ADSupport)";
    default:
        return "pip install hdf5plugin, and set HDF5_PLUGIN_PATH to what python3 -c 'import "
               "hdf5plugin; print(hdf5plugin.PLUGIN_PATH)' prints";
    }
}

H5Z_filter_t oph__filters_lack(const struct oph__filters *filters, char name[static 32])
{
    for (int i = 0; i < filters->count; i++) {
        H5Z_filter_t id = filters->at[i].id;
        const char *known = name_of(id);
        unsigned config = 0;
        if (H5Zfilter_avail(id) > 0 && H5Zget_filter_info(id, &config) >= 0 &&
            (config & H5Z_FILTER_CONFIG_DECODE_ENABLED))
            continue;
        oph__copy(name, 32, known ? known : "of no known name");
        return id;
    }
    return 0;
}

int oph_frames_can_read(const char *filter, oph_error *err)
{
    struct oph__filters filters = {.count = 1};
    struct oph__filter *one = &filters.at[0];
    char name[32];

    if (!filter)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_frames_can_read: wanted the name of a filter, found NULL");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i].name, filter) == 0) one->id = names[i].id;
    if (!one->id)
        return oph__fail_text(err, OPH_ENOTFOUND, "wanted the name of a filter, found %s", filter);
    one->values[OPH__BITSHUFFLE_ITEM] = 4; /* as areaDetector writes it */
    one->values[OPH__BITSHUFFLE_CODEC] = OPH__BITSHUFFLE_LZ4;
    oph__h5_lock();
    H5Z_filter_t lack = is_codec(one, 4) ? 0 : oph__filters_lack(&filters, name);
    oph__h5_unlock();
    if (!lack) return 0;
    return oph__fail_text(err, OPH_EFILE, "wanted filter %d (%s) to read frames, found none: %s",
                          lack, name, oph__filter_remedy(lack));
}
