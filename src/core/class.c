#include <cophyd/class.h>

#include "base/err.h"
#include "base/str.h"
#include "core/context.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LARGEST = 16 << 20 }; /* all that comes with the library is a hundredth of it */

int oph_class_parse(oph_context *ctx, const char *text, const char *origin, oph_report **ret_report,
                    oph_error *err)
{
    int rc = oph__context_check(ctx, err);
    return rc ? rc : oph__classes_parse(ctx->classes, text, origin, ret_report, err);
}

int oph_class_load(oph_context *ctx, const char *file, oph_report **ret_report, oph_error *err)
{
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    FILE *in = fopen(file, "r");
    if (!in) return oph__fail_text(err, OPH_EFILE, "%s: %s", file, strerror(errno));
    struct oph__buf text = {0};
    char chunk[4096];
    size_t n;
    while (text.len <= LARGEST && (n = fread(chunk, 1, sizeof chunk, in)) > 0)
        oph__buf_add_n(&text, chunk, n);
    int failed = ferror(in);
    fclose(in);
    if (failed)
        rc = oph__fail_text(err, OPH_EFILE, "%s: wanted a class text, found a read error", file);
    else if (text.failed)
        rc = oph__fail_memory(err, file);
    else if (text.len > LARGEST)
        rc = oph__fail_text(err, OPH_EPARSE,
                            "%s: wanted a class text of at most 16 MiB, found more", file);
    else if (strlen(text.text ? text.text : "") != text.len)
        rc = oph__fail_text(err, OPH_EPARSE, "%s: wanted a class text, found a NUL byte", file);
    if (!rc)
        rc = oph__classes_parse(ctx->classes, text.text ? text.text : "", file, ret_report, err);
    oph__buf_free(&text);
    return rc;
}
