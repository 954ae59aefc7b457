/* Memory for many frames. */
#include "base/err.h"

#include <cophyd/frames.h>

#include <stdlib.h>
#include <sys/mman.h>

/* Below a few of them huge pages gain nothing. */
static const size_t huge_page = 2 << 20, least_huge = 8 << 20;

int oph_frames_buffer_new(size_t bytes, void **ret, oph_error *err)
{
    size_t rounded = bytes <= SIZE_MAX - huge_page ? (bytes + huge_page - 1) & ~(huge_page - 1) : 0;
    void *buffer;

    if (!ret)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_frames_buffer_new: wanted a place for the buffer, found NULL");
    if (bytes < least_huge)
        buffer = malloc(bytes ? bytes : 1);
    else
        buffer = rounded ? aligned_alloc(huge_page, rounded) : NULL;
    if (!buffer) return oph__fail_memory(err, "a buffer of frames");
    /* A system without them gives small ones: slower, and nothing else. */
    if (bytes >= least_huge) madvise(buffer, rounded, MADV_HUGEPAGE);
    *ret = buffer;
    return 0;
}

void oph_frames_buffer_free(void *buffer)
{
    free(buffer);
}
