/* An array that is given its shape: derived from the array, its sizes and perhaps their number. */
#include "base/err.h"
#include "base/str.h"
#include "core/derived.h"
#include <inttypes.h>
#include <stdlib.h>

/* "4x5", slowest first. */
static void show_shape(const int64_t *shape, uint32_t rank, char *dst, size_t size)
{
    struct oph__buf buf = {0};
    for (uint32_t i = 0; i < rank; i++)
        oph__buf_addf(&buf, "%s%" PRId64, i ? "x" : "", shape[i]);
    oph__copy(dst, size, buf.text ? buf.text : "");
    oph__buf_free(&buf);
}

static int fail(oph_output *to, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int fail(oph_output *to, int code, const char *format, ...)
{
    char why[sizeof to->why];
    va_list args;
    va_start(args, format);
    oph__vcut(why, sizeof why, format, args);
    va_end(args);
    return oph_output_fail(to, code, why);
}

/* `from` is the array, then `rank` sizes, fastest first, that count. */
static int shape(const oph_value *const *from, uint32_t rank, oph_output *to)
{
    int64_t axes[OPH__AXES] = {0}; /* one of nothing, for a plugin that has had no frame yet */
    char wanted[128];
    for (uint32_t i = 0; i < rank; i++) {
        int64_t *size = &axes[rank - 1 - i];
        if (!oph__value_int(from[1 + i], size))
            return fail(to, OPH_ETYPE, "size %" PRIu32 " is no whole number", i);
        if (*size < 0) return fail(to, OPH_ERANGE, "size %" PRIu32 " is %" PRId64, i, *size);
    }
    if (!rank) rank = 1;
    uint64_t product = oph__axes_product(axes, rank);
    if (product > from[0]->count) {
        show_shape(axes, rank, wanted, sizeof wanted);
        return fail(to, OPH_ERANGE, "%" PRIu32 " elements for an array of %s", from[0]->count,
                    wanted);
    }
    oph__output_borrow(to, from[0], (uint32_t)product);
    return oph_output_shape(to, 0, rank, axes);
}

/* The last source tells how many sizes count. */
static int shape_by_rank(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    int64_t rank;
    (void)user;
    if (!oph__value_int(from[count - 1], &rank))
        return fail(to, OPH_ETYPE, "the number of its axes is no whole number");
    if (rank < 0 || (uint64_t)rank > count - 2)
        return fail(to, OPH_ERANGE, "%" PRId64 " axes for %zu sizes", rank, count - 2);
    return shape(from, (uint32_t)rank, to);
}

/* Zeros at the end are no axes. */
static int shape_by_sizes(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    int64_t size;
    (void)user;
    while (count > 1 && oph__value_int(from[count - 1], &size) && size == 0)
        count--;
    return shape(from, (uint32_t)(count - 1), to);
}

static int check(const char *name, const oph_signal *array, oph_signal *const *sizes, size_t count,
                 oph_error *err)
{
    const struct oph__at at = {.device = name};
    if (!name || !*name)
        return oph__fail_text(err, OPH_EINVAL, "a shaped signal: wanted a name, found %s",
                              name ? "\"\"" : "NULL");
    if (!array || !sizes) return oph__fail(err, OPH_EINVAL, at, "an array and its sizes", "NULL");
    if (!count || count > OPH__AXES)
        return oph__fail(err, OPH_EINVAL, at, "1 to 10 sizes", "%zu", count);
    return 0;
}

int oph_shaped_new(oph_context *ctx, const char *name, oph_signal *array, oph_signal *const *sizes,
                   size_t count, oph_signal *rank, oph_signal **ret, oph_error *err)
{
    oph_signal *from[OPH__AXES + 2] = {array};
    int rc = oph__context_check(ctx, err);
    if (!rc) rc = check(name, array, sizes, count, err);
    if (rc) return rc;
    for (size_t i = 0; i < count; i++)
        from[1 + i] = sizes[i];
    from[1 + count] = rank;
    const struct oph__local what = {.name = name, .type = OPH__ARRAY};
    const struct oph__recipe recipe = {.what = &what,
                                       .shaped = true,
                                       .forward = rank ? shape_by_rank : shape_by_sizes,
                                       .from = from,
                                       .count = count + (rank ? 2 : 1)};
    return oph__derived_make(ctx, &recipe, ret, err);
}
