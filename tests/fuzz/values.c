/* Values on their way from libca, and to it: the bytes of any type and count, beside libca's own
 * structs; and numbers of any type to a PV of any type, which takes exactly those that it holds. */
#include "base/str.h"
#include "ca/client.h"
#include "core/value.h"
#include "fuzz/fuzz.h"

#include <db_access.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const chtype plain_types[] = {DBR_STRING, DBR_SHORT, DBR_FLOAT, DBR_ENUM,
                                     DBR_CHAR,   DBR_LONG,  DBR_DOUBLE};
enum { TYPES = sizeof plain_types / sizeof plain_types[0] };

/* The first value, by libca's struct of its type. */
static const void *value_in(chtype type, const void *dbr)
{
    switch (type) {
    case DBR_TIME_STRING: return ((const struct dbr_time_string *)dbr)->value;
    case DBR_TIME_SHORT: return &((const struct dbr_time_short *)dbr)->value;
    case DBR_TIME_FLOAT: return &((const struct dbr_time_float *)dbr)->value;
    case DBR_TIME_ENUM: return &((const struct dbr_time_enum *)dbr)->value;
    case DBR_TIME_CHAR: return &((const struct dbr_time_char *)dbr)->value;
    case DBR_TIME_LONG: return &((const struct dbr_time_long *)dbr)->value;
    default: return &((const struct dbr_time_double *)dbr)->value;
    }
}

static bool number_in(chtype plain, const void *values, uint32_t i, double *ret)
{
    switch (plain) {
    case DBR_SHORT: *ret = ((const dbr_short_t *)values)[i]; return true;
    case DBR_FLOAT: *ret = (double)((const dbr_float_t *)values)[i]; return true;
    case DBR_ENUM: *ret = ((const dbr_enum_t *)values)[i]; return true;
    case DBR_CHAR: *ret = ((const dbr_char_t *)values)[i]; return true;
    case DBR_LONG: *ret = ((const dbr_long_t *)values)[i]; return true;
    case DBR_DOUBLE: *ret = ((const dbr_double_t *)values)[i]; return true;
    default: return false;
    }
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_elements(const struct oph_value *value, chtype plain, const void *values)
{
    char text[OPH__STRING_BYTES + 1];
    double wanted, found;
    int64_t whole;

    for (uint32_t i = 0; i < value->count; i++) {
        if (plain == DBR_STRING) {
            memcpy(text, (const char *)values + (size_t)i * MAX_STRING_SIZE, MAX_STRING_SIZE);
            text[MAX_STRING_SIZE] = '\0';
            bool is_number = oph__to_double(text, &wanted);
            fuzz_claim(oph__value_double_at(value, i, &found) == is_number &&
                           (!is_number || same(found, wanted)),
                       "\"%s\" is a number or not", text);
        } else {
            fuzz_claim(number_in(plain, values, i, &wanted) &&
                           oph__value_double_at(value, i, &found) && same(found, wanted),
                       "element %u is %g", i, wanted);
        }
    }
    fuzz_claim(!oph__value_double_at(value, value->count, &found), "there is no more");
    if (oph__value_int(value, &whole))
        fuzz_claim(oph__value_double(value, &found) && (double)whole == found, "%g is whole",
                   found);
    char small[24];
    oph__value_show(value, NULL, small, sizeof small);
    fuzz_claim(memchr(small, 0, sizeof small) != NULL, "what is shown has an end");
}

/* A value that was read is put back as it was. */
static void check_return(const struct oph_value *value)
{
    const struct oph__chan_info info = {
        .dtype = value->dtype, .count = value->count ? value->count : 1, .writable = true};
    const struct oph__target target = {.path = "det", .pv = "PV", .info = &info};
    struct oph__wire wire;

    fuzz_claim(oph__encode_value(value, &target, &wire, NULL) == 0, "it can be put back");
    fuzz_claim(wire.dtype == value->dtype && wire.count == info.count &&
                   memcmp(wire.data, value->data, value->count * oph_dtype_size(value->dtype)) == 0,
               "it is the same");
    oph__wire_clear(&wire);
}

static void fuzz_event(struct fuzz_in *in)
{
    const chtype plain = plain_types[fuzz_below(in, TYPES)];
    const chtype type = dbf_type_to_DBR_TIME(plain);
    const uint32_t count = (uint32_t)fuzz_below(in, 40);
    const size_t size = dbr_size_n(type, count);
    const struct event_handler_args args = {
        .type = type, .count = count, .status = ECA_NORMAL, .dbr = fuzz_bytes(in, size)};
    const void *values = value_in(type, args.dbr);
    const struct dbr_time_double *head = args.dbr;
    struct oph__event event;
    struct oph_value value = {0};

    oph__ca_event(&event, &args);
    fuzz_claim(event.code == 0 && event.data == values && event.count == count &&
                   oph__ca_plain_type(event.dtype) == plain &&
                   oph_dtype_size(event.dtype) == dbr_value_size[plain],
               "%u of DBR type %ld are where they are", count, (long)type);
    fuzz_claim(event.status == head->status && event.severity == head->severity &&
                   event.seconds == 631152000 + (int64_t)head->stamp.secPastEpoch &&
                   event.nanoseconds == (int32_t)head->stamp.nsec,
               "alarm and time are libca's");
    fuzz_claim(oph__value_take(&value, &event), "there is memory");
    check_elements(&value, plain, values);
    check_return(&value);
    oph__value_clear(&value);
    free((void *)(uintptr_t)args.dbr);
}

/* Numbers to a PV */

static long double number_at(int32_t dtype, const void *data, size_t i)
{
    switch (dtype) {
    case OPH_INT8: return ((const int8_t *)data)[i];
    case OPH_UINT8: return ((const uint8_t *)data)[i];
    case OPH_INT16: return ((const int16_t *)data)[i];
    case OPH_ENUM:
    case OPH_UINT16: return ((const uint16_t *)data)[i];
    case OPH_INT32: return ((const int32_t *)data)[i];
    case OPH_UINT32: return ((const uint32_t *)data)[i];
    case OPH_INT64: return ((const int64_t *)data)[i];
    case OPH_UINT64: return ((const uint64_t *)data)[i];
    case OPH_FLOAT32: return (long double)((const float *)data)[i];
    default: return ((const double *)data)[i];
    }
}

/* Whether a PV of that type can be given the number. A floating-point number may lose digits on
 * its way to 32 bits; one of 2^53 and more may have been another integer. */
static bool fits(long double number, int32_t from, int32_t to)
{
    static const struct {
        long double low, high;
    } ranges[] = {
        [OPH_INT8] = {INT8_MIN, INT8_MAX},    [OPH_UINT8] = {0, UINT8_MAX},
        [OPH_INT16] = {INT16_MIN, INT16_MAX}, [OPH_UINT16] = {0, UINT16_MAX},
        [OPH_INT32] = {INT32_MIN, INT32_MAX}, [OPH_UINT32] = {0, UINT32_MAX},
        [OPH_INT64] = {INT64_MIN, INT64_MAX}, [OPH_UINT64] = {0, UINT64_MAX},
        [OPH_ENUM] = {0, UINT16_MAX},
    };
    const bool is_float = from == OPH_FLOAT32 || from == OPH_FLOAT64;

    if (is_float && !isfinite(number)) return false;
    if (to == OPH_FLOAT64) return is_float || (long double)(double)number == number;
    if (to == OPH_FLOAT32)
        return is_float ? fabsl(number) <= (long double)FLT_MAX
                        : (long double)(float)number == number;
    if (is_float && (number != floorl(number) || fabsl(number) >= 0x1p53L)) return false;
    return number >= ranges[to].low && number <= ranges[to].high;
}

static void fuzz_numbers(struct fuzz_in *in)
{
    const int32_t from = OPH_INT8 + (int32_t)fuzz_below(in, 10);
    const int32_t to = OPH_INT8 + (int32_t)fuzz_below(in, 10);
    const uint32_t count = 2 + (uint32_t)fuzz_below(in, 6);
    void *numbers = fuzz_bytes(in, count * oph_dtype_size(from));
    const struct oph__chan_info info = {.dtype = to, .count = count, .writable = true};
    const struct oph__target target = {
        .path = "det", .pv = "PV", .info = &info, .type = OPH__ARRAY};
    const oph_data data = {.dtype = from, .count = count, .data = numbers};
    struct oph__wire wire;
    oph_error err = OPH_ERROR_INIT;
    bool all = true;

    for (uint32_t i = 0; i < count; i++)
        all = all && fits(number_at(from, numbers, i), from, to);
    int rc = oph__encode_data(&data, &target, &wire, &err);
    fuzz_claim((rc == 0) == all, "%s to %s: %s", oph_dtype_name(from), oph_dtype_name(to),
               rc ? err.text : "taken");
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        long double sent = number_at(from, numbers, i), got = number_at(to, wire.data, i);
        fuzz_claim(got == sent || (to == OPH_FLOAT32 && got == (long double)(float)sent),
                   "%Lg is sent as %Lg", sent, got);
    }
    oph__wire_clear(&wire);
    free(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};

    if (fuzz_number(&in, 1) & 1)
        fuzz_event(&in);
    else
        fuzz_numbers(&in);
    return 0;
}
