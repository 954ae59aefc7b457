/* See what killed clients left changed, and put it back.
 *
 *     recover          lists the journals
 *     recover PREFIX   puts back what stands in the way of staging PREFIX */
#include <cophyd/cophyd.h>

static int list(oph_error *err)
{
    oph_journals *journals = NULL;
    int rc = oph_journals_find(&journals, err);
    if (rc) return rc;
    printf("%zu left\n", oph_journals_count(journals));
    for (size_t i = 0; i < oph_journals_count(journals); i++) {
        const oph_journal *j = oph_journals_at(journals, i);
        if (j->broken)
            printf("%s: %s\n", j->file, j->why);
        else
            printf("%s: %u settings, staged by %s, which %s\n", j->prefix, j->count, j->program,
                   j->alive ? "lives" : "is gone");
    }
    oph_journals_free(journals);
    return 0;
}

static int put_back(oph_context *ctx, const char *prefix, oph_error *err)
{
    static const char *const what[] = {"put back", "as before", "changed by somebody since: kept",
                                       "could not be put back"};
    const oph_recover_options options = {
        .size = sizeof options, .flags = OPH_RECOVER_STOP, .timeout = 2};
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    int rc = oph_recover(ctx, prefix, &options, &recovery, &report, err);
    for (size_t i = 0; i < oph_recovery_count(recovery); i++) {
        const oph_recovered *r = oph_recovery_at(recovery, i);
        printf("%s: %s, %s\n", r->pv, r->now, what[r->what]);
    }
    oph_report_print(report, stderr);
    oph_report_free(report);
    oph_recovery_free(recovery);
    return rc;
}

int main(int argc, char **argv)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = 0;
    if (argc > 1) rc = oph_context_new(NULL, &ctx, &err);
    if (argc > 1 && !rc) rc = put_back(ctx, argv[1], &err);
    int listed = list(rc ? NULL : &err);
    oph_error_print(&err, stderr);
    oph_context_free(ctx);
    return rc || listed;
}
