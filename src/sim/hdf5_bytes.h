/* Numbers as the chunks of HDF5's LZ4 filters have them: big-endian. */
#ifndef SIM_HDF5_BYTES_H
#define SIM_HDF5_BYTES_H

#include <stdint.h>

static inline void sim_put_big_endian(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (unsigned char)value;
}

static inline uint64_t sim_get_big_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

#endif
