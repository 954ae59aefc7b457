/* cophyd recover: what killed clients left changed. */
#include "cli/commands.h"

#include <time.h>

/* --- The list */

static json_t *journal_json(const oph_journal *j)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:b, s:I, s:i, s:b, s:o}", "file", j->file,
                     "device", cli_json_text(j->device), "prefix", cli_json_text(j->prefix),
                     "server", cli_json_text(j->server), "program", cli_json_text(j->program),
                     "pid", (int)j->pid, "alive", j->alive, "since", (json_int_t)j->since, "count",
                     (int)j->count, "broken", j->broken, "why", cli_json_text(j->why));
}

static void show_journal(struct cli *cli, const oph_journal *j)
{
    char when[64] = "?";
    struct tm local;
    time_t since = (time_t)j->since;
    if (localtime_r(&since, &local)) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    if (j->broken)
        cli_print(cli, "%s: %s\n", j->file, j->why);
    else
        cli_print(cli, "%-16s %u settings, staged by %s (%d), which %s, at %s\n", j->prefix,
                  j->count, j->program, (int)j->pid, j->alive ? "lives" : "is gone", when);
}

static int list(struct cli *cli)
{
    oph_journals *journals = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_journals_find(&journals, &err);
    if (rc) return cli_fail(&err);
    size_t count = oph_journals_count(journals);
    for (size_t i = 0; !rc && i < count; i++) {
        const oph_journal *j = oph_journals_at(journals, i);
        if (cli->json)
            rc = cli_json(cli, journal_json(j));
        else
            show_journal(cli, j);
    }
    if (!count && !cli->json) cli_print(cli, "nothing is left\n");
    oph_journals_free(journals);
    return rc;
}

/* --- Putting back */

static int show_recovered(struct cli *cli, const oph_recovered *r)
{
    static const char *const words[] = {"put back", "as before", "kept: somebody changed it since",
                                        "could not be put back"};
    static const char *const names[] = {"back", "same", "kept", "left"};
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:s, s:s, s:o, s:o}", "what", names[r->what],
                                       "device", r->device, "pv", r->pv, "found",
                                       cli_json_text(r->found), "now", cli_json_text(r->now)));
    cli_print(cli, "%-34s %s, %s\n", r->pv, r->now, words[r->what]);
    return 0;
}

static int put_back(struct cli *cli, const char *prefix)
{
    const oph_recover_options options = {
        .size = sizeof options,
        .flags = (cli_option(cli, "--stop") ? OPH_RECOVER_STOP : 0u) |
                 (cli_option(cli, "--any-server") ? OPH_RECOVER_ANY_SERVER : 0u)};
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = cli_may_write(cli);
    if (!rc) rc = cli_context(cli);
    if (rc) return rc;
    int failed = oph_recover(cli->ctx, prefix, &options, &recovery, &report, &err);
    for (size_t i = 0; !rc && i < oph_recovery_count(recovery); i++)
        rc = show_recovered(cli, oph_recovery_at(recovery, i));
    if (!failed && !oph_recovery_count(recovery) && !cli->json)
        cli_print(cli, "nothing was to be put back\n");
    oph_recovery_free(recovery);
    if (failed) return cli_fail_report(&err, report);
    cli_warn_report(report);
    return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
    if (cli_option(cli, "--all") && argc)
        return cli_usage("--all is of every prefix: wanted no PREFIX, found '%s'", argv[0]);
    if (cli_option(cli, "--all")) return put_back(cli, NULL);
    return argc ? put_back(cli, argv[0]) : list(cli);
}

static const struct cli_option options[] = {
    {"--all", NULL, "puts back what is left of every prefix"},
    {"--stop", NULL, "stops an acquisition that does not end by itself"},
    {"--any-server", NULL, "also where the IOC has moved to another address since"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_recover = {
    .name = "recover",
    .line = "lists or puts back what a killed client left changed",
    .usage = "[PREFIX]",
    .operands_min = 0,
    .operands_max = 1,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "Without PREFIX it lists the journals of this user on this machine. With one it puts\n"
            "back what stands in the way of staging that detector, where it still has the\n"
            "values of the killed client.",
    .examples = "cophyd recover\ncophyd recover Pilatus:",
};
