#include "base/err.h"

#include "base/str.h"

static const char *const code_names[] = {
    "OPH_OK",       "OPH_EINVAL",    "OPH_ENOMEM",   "OPH_ENOTFOUND", "OPH_EPARSE", "OPH_ESTATE",
    "OPH_ETIMEOUT", "OPH_EDISCONN",  "OPH_EABSENT",  "OPH_EACCESS",   "OPH_ETYPE",  "OPH_ERANGE",
    "OPH_EPUT",     "OPH_EMISMATCH", "OPH_EACQUIRE", "OPH_EUNPRIMED", "OPH_EBUSY",  "OPH_EFILE",
    "OPH_ECANCEL",  "OPH_EINTR",     "OPH_EDEADLK",  "OPH_EFORK",     "OPH_ECA",    "OPH_ESYSTEM",
};

const char *oph_code_name(int32_t code)
{
    int32_t count = (int32_t)(sizeof code_names / sizeof *code_names);

    return code <= 0 && code > -count ? code_names[-code] : "OPH_?";
}

void oph_error_print(const oph_error *err, FILE *out)
{
    if (err->code) fprintf(out, "cophyd: %s\n", err->text);
}

/* Writes the sentence that the parts make. */
static void write_text(oph_error *err)
{
    char where[sizeof err->device + sizeof err->pv + 8] = "";
    char after[40] = "";
    const char *device = err->device, *pv = err->pv;

    if (*device && *pv && !oph__equal(device, pv)) /* equal where there is no device */
        oph__format(where, sizeof where, "%s (%s): ", device, pv);
    else if (*device || *pv)
        oph__format(where, sizeof where, "%s: ", *device ? device : pv);
    if (err->waited >= 0.001)
        oph__format(after, sizeof after, err->waited < 0.95 ? ", after %.2g s" : ", after %.1f s",
                    err->waited);
    oph__format(err->text, sizeof err->text, "%s%s%s%s%s%s", where, *err->wanted ? "wanted " : "",
                err->wanted, *err->wanted && *err->found ? ", found " : "", err->found, after);
}

int oph__fail(oph_error *err, int code, struct oph__at at, const char *wanted, const char *found,
              ...)
{
    va_list args;

    if (!err) return code;
    /* The arguments may point into *err: a caller adds to what another one found. */
    oph_error made = {.code = code, .waited = at.waited > 0 ? at.waited : -1};
    oph__clean(oph__copy(made.device, sizeof made.device, at.device ? at.device : ""));
    oph__clean(oph__copy(made.pv, sizeof made.pv, at.pv ? at.pv : ""));
    oph__clean(oph__copy(made.wanted, sizeof made.wanted, wanted ? wanted : ""));
    if (found) {
        va_start(args, found);
        oph__clean(oph__vcut(made.found, sizeof made.found, found, args));
        va_end(args);
    }
    write_text(&made);
    *err = made;
    return code;
}

int oph__fail_text(oph_error *err, int code, const char *format, ...)
{
    va_list args;

    if (!err) return code;
    oph_error made = {.code = code, .waited = -1};
    va_start(args, format);
    oph__clean(oph__vcut(made.text, sizeof made.text, format, args));
    va_end(args);
    *err = made;
    return code;
}

struct oph__at oph__error_at(const oph_error *err)
{
    return (struct oph__at){.device = err->device, .pv = err->pv, .waited = err->waited};
}

const char *oph__error_found(const oph_error *err)
{
    return *err->found ? err->found : err->text;
}

int oph__fail_memory(oph_error *err, const char *what)
{
    return oph__fail_text(err, OPH_ENOMEM, "no memory for %s", what);
}
