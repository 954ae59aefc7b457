/* What the user's functions compute, and what is made of it. */
#include "base/err.h"
#include "base/str.h"
#include "core/data.h"
#include "core/derived.h"
#include <stdlib.h>
#include <string.h>

/* Results */

static void clear_piece(struct oph__piece *piece)
{
    free(piece->owned);
    *piece = (struct oph__piece){0};
}

static void clear(struct oph_output *result)
{
    for (size_t i = 0; i < result->count; i++)
        clear_piece(&result->pieces[i]);
}

int oph_output_fail(oph_output *to, int code, const char *why)
{
    oph__copy(to->why, sizeof to->why, why ? why : "");
    return code;
}

int oph_output_set(oph_output *to, size_t index, int32_t dtype, uint64_t count, const void *data)
{
    const oph_data given = {.dtype = dtype, .count = count, .data = data};
    oph_error why = OPH_ERROR_INIT;
    if (index >= to->count) return oph_output_fail(to, OPH_EINVAL, "it set a result too many");
    struct oph__piece *piece = &to->pieces[index];
    clear_piece(piece);
    int rc = oph__data_check(&given, "its result", &why);
    if (!rc) rc = oph__data_copy(&given, &piece->data, &why);
    if (rc) return oph_output_fail(to, rc, why.text);
    piece->owned = (void *)(uintptr_t)piece->data.data;
    piece->set = true;
    return 0;
}

uint64_t oph__axes_product(const int64_t *axes, uint32_t rank)
{
    uint64_t product = 1;
    bool none = false;
    for (uint32_t i = 0; i < rank; i++) {
        if (axes[i] < 0 || axes[i] > UINT32_MAX) return UINT64_MAX;
        none = none || axes[i] == 0;
        if (product <= UINT32_MAX) product *= (uint64_t)axes[i];
    }
    return none ? 0 : product;
}

int oph_output_shape(oph_output *to, size_t index, uint32_t rank, const int64_t *shape)
{
    if (index >= to->count || !to->pieces[index].set)
        return oph_output_fail(to, OPH_EINVAL, "it gave a shape to what it has not set");
    if (rank > OPH__AXES) return oph_output_fail(to, OPH_EINVAL, "it gave more than 10 axes");
    struct oph__piece *piece = &to->pieces[index];
    if (rank && oph__axes_product(shape, rank) != piece->data.count)
        return oph_output_fail(to, OPH_EINVAL, "it gave a shape that is not its result's");
    for (uint32_t i = 0; i < rank; i++)
        piece->shape[i] = (uint32_t)shape[i];
    piece->rank = rank;
    return 0;
}

void oph__output_borrow(struct oph_output *result, const oph_value *value, uint32_t count)
{
    struct oph__piece *piece = result->pieces;
    clear_piece(piece);
    piece->data = (oph_data){.dtype = value->dtype, .count = count, .data = value->data};
    piece->set = true;
}

/* Forward */

static bool is_newer(const struct oph_value *a, const struct oph__event *b)
{
    return a->seconds != b->seconds ? a->seconds > b->seconds : a->nanoseconds > b->nanoseconds;
}

/* The worst alarm, the newest time. */
static void judge_sources(const struct oph__derived *d, const oph_value *const *from,
                          struct oph__event *event)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!i || from[i]->severity > event->severity) {
            event->severity = from[i]->severity;
            event->status = from[i]->status;
        }
        if (!i || is_newer(from[i], event)) {
            event->seconds = from[i]->seconds;
            event->nanoseconds = from[i]->nanoseconds;
        }
    }
}

/* A shaped signal's own function speaks for itself. A code that is none counts as well. */
static int failed(const struct oph__derived *d, const char *which, int code,
                  const struct oph_output *result, oph_error *err)
{
    char number[40];
    bool known = code < 0 && code >= OPH_ESYSTEM;
    const char *why =
        known ? oph_code_name(code) : oph__format(number, sizeof number, "it returned %d", code);
    if (result->why[0]) why = result->why;
    if (!known) code = OPH_EINVAL;
    if (d->shaped) return oph__fail_text(err, code, "%s", why);
    return oph__fail_text(err, code, "its %s function failed: %s", which, why);
}

static int use(const struct oph__derived *d, struct oph__computed *c)
{
    oph_error why = OPH_ERROR_INIT;
    const struct oph__piece *piece = &c->piece;
    c->event.dtype = piece->data.dtype;
    c->event.count = (uint32_t)piece->data.count;
    c->event.data = piece->data.data;
    if (!d->shaped) {
        int rc = oph__local_take(&d->what, &piece->data, &c->wire, &why);
        if (rc)
            return oph__fail_text(&c->why, rc, "its forward function's result %s does not fit: %s",
                                  why.wanted, why.found);
        c->event.dtype = c->wire.dtype;
        c->event.count = c->wire.count;
        c->event.data = c->wire.data;
    }
    c->event.rank = piece->rank;
    c->event.shape = piece->shape;
    return 0;
}

void oph__compute(const struct oph__derived *d, const oph_value *const *from, int32_t dtype,
                  uint32_t count, struct oph__computed *c)
{
    c->piece.owned = NULL;
    c->wire.data = c->converted.data = NULL;
    c->event = (struct oph__event){0};
    clear_piece(&c->piece);
    struct oph_output result = {.count = 1, .pieces = &c->piece};
    int rc = d->forward(from, d->count, &result, d->user);
    if (rc)
        rc = failed(d, "forward", rc, &result, &c->why);
    else if (!c->piece.set)
        rc = oph__fail_text(&c->why, OPH_EINVAL, "its forward function set nothing");
    if (!rc) rc = use(d, c);
    if (!rc)
        rc = oph__local_convert(&c->event, &d->what.info, dtype, count, &c->converted, &c->why);
    if (rc)
        c->event = (struct oph__event){.code = rc, .why = c->why.text};
    else
        judge_sources(d, from, &c->event);
}

void oph__computed_clear(struct oph__computed *c)
{
    clear_piece(&c->piece);
    oph__wire_clear(&c->wire);
    oph__wire_clear(&c->converted);
}

/* Inverse */

static int make_ready(const struct oph__derived_source *from, struct oph__chan *source,
                      const oph_data *data, struct oph__wire *ret, oph_error *err)
{
    struct oph__chan_info info;
    const struct oph__at at = {.device = from->path, .pv = from->pv};
    if (from->row->how == OPH__RO)
        return oph__fail(err, OPH_EACCESS, at, "to write", "an attribute that is read-only");
    if (!from->ops->chan_info(source, &info))
        return oph__fail(err, OPH_EDISCONN, at, "to write", "the PV is not connected");
    const struct oph__target target = {.path = from->path,
                                       .pv = from->pv,
                                       .info = &info,
                                       .type = from->row->type,
                                       .is_path = from->row->how == OPH__PATH,
                                       .within_limits = true};
    return oph__encode_data(data, &target, ret, err);
}

int oph__compute_inverse(const struct oph__derived *d, const struct oph__wire *wanted,
                         struct oph__chan *const *sources, struct oph__wire *ret, oph_error *err)
{
    const struct oph_value value = oph__wire_value(wanted);
    struct oph_output result = {.count = d->count};
    oph_error why = OPH_ERROR_INIT;
    result.pieces = calloc(d->count, sizeof *result.pieces);
    if (!result.pieces) return oph__fail_memory(err, "a put");
    int rc = d->inverse(&value, &result, d->user);
    if (rc) rc = failed(d, "inverse", rc, &result, &why);
    bool any = false;
    for (size_t i = 0; !rc && i < d->count; i++) {
        if (!result.pieces[i].set) continue;
        any = true;
        rc = make_ready(&d->from[i], sources[i], &result.pieces[i].data, &ret[i], &why);
    }
    if (!rc && !any) rc = oph__fail_text(&why, OPH_EINVAL, "its inverse function set nothing");
    clear(&result);
    free(result.pieces);
    return rc ? oph__fail_text(err, rc, "%s", why.text) : 0; /* one part of a sentence */
}
