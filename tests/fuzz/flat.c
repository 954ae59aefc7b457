/* TIFF and CBF files: opened, described, checked and read. */
#include "fuzz/fuzz.h"
#include "h5/flat.h"

#include <stdlib.h>

static void read_it(oph_frames *frames, const oph_frames_info *info)
{
    size_t size = (size_t)info->frame_bytes;
    unsigned char *pixels = malloc(size);
    oph_error err = OPH_ERROR_INIT;

    if (!pixels) return;
    int rc = oph_frames_read(frames, 0, 1, pixels, size, &err);
    fuzz_claim(rc == 0 || *err.text, "an error has a sentence");
    /* A damaged frame is also one that oph_frames_check finds. */
    int checked = oph_frames_check(frames, 0, 1, 1, NULL, &err);
    fuzz_claim((rc == 0) == (checked == 0), "read %d, checked %d: %s", rc, checked, err.text);
    const int64_t from[] = {info->shape[1] / 2, info->shape[2] / 2};
    const int64_t some[] = {info->shape[1] - from[0], info->shape[2] - from[1]};
    unsigned char *part = malloc((size_t)(some[0] * some[1]) * info->item_bytes);
    if (part)
        oph_frames_read_region(frames, 0, 1, from, some, part,
                               (size_t)(some[0] * some[1]) * info->item_bytes, &err);
    free(part);
    free(pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oph_frames *frames;
    oph_frames_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;

    if (oph__flat_form(data, size) == OPH__FORM_HDF5) return 0;
    if (oph_frames_open(fuzz_file(data, size), NULL, 0, &frames, &err)) {
        fuzz_claim(*err.text, "an error has a sentence");
        return 0;
    }
    fuzz_claim(oph_frames_describe(frames, &info, &err) == 0, "what is open is described: %s",
               err.text);
    /* A pixel takes a byte of the file, or more. */
    fuzz_claim(info.shape[0] == 1 && info.rank == 3 && info.frame_bytes <= 4 * (int64_t)size,
               "%lld bytes of pixels in %zu of file", (long long)info.frame_bytes, size);
    read_it(frames, &info);
    oph_frames_free(frames);
    return 0;
}
