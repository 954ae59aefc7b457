#include "sim/hdf5_blosc.h"

/* Where the values of the filter are. */
enum { REVISION, FORMAT, ELEMENT_SIZE, CHUNK_SIZE, LEVEL, SHUFFLE, COMPRESSOR };
enum { FILTER_REVISION = 2, BLOSC_FORMAT = 2 };

void sim_hdf5_blosc_values(size_t element, size_t chunk, int level, int shuffle, int compressor,
                           unsigned values[SIM_BLOSC_VALUES])
{
    values[REVISION] = FILTER_REVISION;
    values[FORMAT] = BLOSC_FORMAT;
    values[ELEMENT_SIZE] = (unsigned)element;
    values[CHUNK_SIZE] = (unsigned)chunk;
    values[LEVEL] = (unsigned)level;
    values[SHUFFLE] = (unsigned)shuffle;
    values[COMPRESSOR] = (unsigned)compressor;
}

#ifdef OPH_HAVE_BLOSC

#include <blosc.h>
#include <hdf5.h>
#include <stdlib.h>

/* As the labels of BloscCompressor, in their order. */
static const char *const compressors[] = {BLOSC_BLOSCLZ_COMPNAME, BLOSC_LZ4_COMPNAME,
                                          BLOSC_LZ4HC_COMPNAME,   BLOSC_SNAPPY_COMPNAME,
                                          BLOSC_ZLIB_COMPNAME,    BLOSC_ZSTD_COMPNAME};
enum { COMPRESSORS = sizeof compressors / sizeof *compressors };

static int blosc_pack(const void *in, size_t size, const unsigned *value, size_t room, void *out)
{
    if (value[COMPRESSOR] >= COMPRESSORS) return -1;
    return blosc_compress_ctx((int)value[LEVEL], (int)value[SHUFFLE], value[ELEMENT_SIZE], size, in,
                              out, room, compressors[value[COMPRESSOR]], 0, 1);
}

/* H5Z_func_t: 0 says that it failed. */
static size_t blosc_filter(unsigned flags, size_t values, const unsigned value[], size_t bytes,
                           size_t *room, void **buffer)
{
    size_t more = bytes + BLOSC_MAX_OVERHEAD;
    if (values < SIM_BLOSC_VALUES) return 0;
    if (flags & H5Z_FLAG_REVERSE && blosc_cbuffer_validate(*buffer, bytes, &more) != 0) return 0;
    void *made = malloc(more);
    if (!made) return 0;
    int size = flags & H5Z_FLAG_REVERSE ? blosc_decompress_ctx(*buffer, made, more, 1)
                                        : blosc_pack(*buffer, bytes, value, more, made);
    if (size <= 0) {
        free(made);
        return 0;
    }
    free(*buffer);
    *buffer = made;
    *room = more;
    return (size_t)size;
}

bool sim_hdf5_blosc_register(void)
{
    static const H5Z_class2_t blosc = {
        .version = H5Z_CLASS_T_VERS,
        .id = SIM_FILTER_BLOSC,
        .encoder_present = 1,
        .decoder_present = 1,
        .name = "blosc",
        .filter = blosc_filter,
    };
    return H5Zregister(&blosc) >= 0;
}

#else

bool sim_hdf5_blosc_register(void)
{
    return false;
}

#endif
