/* What is written before an acquisition, and how many frames come of all. */
#include "ad/run.h"
#include "base/err.h"
#include <stdlib.h>

struct oph__settings_write *oph__settings_write_new(size_t room, oph_error *err)
{
    struct oph__settings_write *w = calloc(1, sizeof *w);
    if (w) {
        w->at = calloc(room ? room : 1, sizeof *w->at);
        w->wires = calloc(room ? room : 1, sizeof *w->wires);
    }
    if (w && w->at && w->wires) return w;
    oph__settings_write_free(w);
    oph__fail_memory(err, "an acquisition");
    return NULL;
}

int oph__settings_write_add(struct oph__settings_write *w, oph_signal *sig,
                            const struct oph__literal *value, oph_error *err)
{
    struct oph__chan_info info;
    struct oph__wire *wire = &w->wires[w->count];
    int rc = oph__signal_encode(sig, value, &info, wire, err);
    if (!rc) w->at[w->count++] = (struct oph__write){.sig = sig, .wire = wire, .expect = wire};
    return rc;
}

void oph__settings_write_free(struct oph__settings_write *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->count; i++)
        oph__wire_clear(&w->wires[i]);
    free(w->at);
    free(w->wires);
    free(w);
}

int oph__course_settings(const struct oph__course *course, oph_device *dev, size_t acquisition,
                         struct oph__settings_write **slot, oph_error *err)
{
    oph__settings_write_free(*slot);
    *slot = NULL;
    return course->settings ? course->settings(dev, acquisition, slot, err) : 0;
}

int64_t oph__course_frames(const struct oph__course *course, const struct oph__shot *first)
{
    return course->frames ? course->frames(first) : (int64_t)course->count * first->frames;
}

void oph__course_name(const struct oph__course *course, const oph_device *dev, size_t acquisition,
                      oph_error *err)
{
    const char *name = course->name ? course->name(dev, acquisition) : NULL;
    if (!name) return;
    oph__fail(err, err->code, oph__error_at(err), err->wanted, "in %s: %s", name,
              oph__error_found(err));
}

void oph__switch_wire(struct oph__wire *wire, uint16_t on)
{
    *wire = (struct oph__wire){.dtype = OPH_ENUM, .count = 1};
    wire->data = wire->small;
    *(uint16_t *)wire->data = on;
}

void oph__switch_put(struct oph__ops **slot, const oph_signal *sig, uint16_t on)
{
    struct oph__wire wire;
    oph__switch_wire(&wire, on);
    oph__ops_free(*slot);
    *slot = NULL;
    if (oph__ops_new(sig->ctx, 1, slot, NULL)) return;
    oph__ops_put(*slot, sig->set, &wire, false, NULL);
    oph__ops_send(*slot, NULL);
}
