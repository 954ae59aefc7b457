/* A program outside the tree with documents: test_install.sh builds it as C and as C++. */
#include <cophyd/cophyd.h>
#include <cophyd/documents.h>
#include <string.h>

/* A run of one signal, told of on standard output. */
static int run(oph_context *ctx, oph_signal **signals, oph_error *err)
{
    oph_document_lines *lines = NULL;
    oph_count_options opt;
    memset(&opt, 0, sizeof opt);
    opt.size = sizeof opt;
    opt.signals = signals;
    opt.signal_count = 1;
    int rc = oph_document_lines_new(1, &lines, err);
    if (!rc) rc = oph_count(ctx, NULL, 0, 2, oph_document_lines_write, lines, &opt, err);
    oph_document_lines_free(lines);
    return rc;
}

int main(void)
{
    oph_context *ctx = NULL;
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    const double number = 1.5;
    oph_data data;
    memset(&data, 0, sizeof data);
    data.dtype = OPH_FLOAT64;
    data.count = 1;
    data.data = &number;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_soft_new(ctx, "soft", &data, NULL, &sig, &err);
    if (!rc) rc = run(ctx, &sig, &err);
    oph_error_print(&err, stderr);
    oph_signal_free(sig);
    oph_context_free(ctx);
    return rc != 0;
}
