/* cophyd classes: the classes that the library knows, and their rows. Needs no IOC. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

/* --- All classes */

static int show_class(struct cli *cli, const char *name)
{
    oph_class_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;
    if (oph_class_describe(cli->ctx, name, &info, &err)) return cli_fail(&err);
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", name, "bases",
                                       cli_json_text(info.bases), "doc", cli_json_text(info.doc),
                                       "trigger", cli_json_text(info.trigger), "origin",
                                       cli_json_text(info.origin)));
    cli_print(cli, "%-36s %s\n", name, info.doc);
    return 0;
}

static int show_all(struct cli *cli)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < oph_class_count(cli->ctx); i++)
        rc = show_class(cli, oph_class_name_at(cli->ctx, i));
    return rc;
}

/* --- Rows */

static const char *kind_name(int32_t kind)
{
    switch (kind) {
    case OPH_KIND_NORMAL: return "normal";
    case OPH_KIND_CONFIG: return "config";
    case OPH_KIND_HINTED: return "hinted";
    default: return "omitted";
    }
}

static json_t *labels_json(const oph_row *row)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < row->label_count; i++)
        json_array_append_new(list, cli_json_text(row->labels[i]));
    return list;
}

/* PVs without the detector's prefix; "" for one that is not written. */
struct line {
    const char *attr, *read_pv, *write_pv;
    const oph_row *row;
};

static int show_line(struct cli *cli, const struct line *line, bool csv)
{
    const oph_row *row = line->row;
    const char *how = oph_how_name(row->how), *type = oph_row_type_name(row->type);
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "attr",
                                       line->attr, "suffix", row->suffix, "read_pv", line->read_pv,
                                       "write_pv", line->write_pv, "how", how, "type", type, "kind",
                                       kind_name(row->kind), "labels", labels_json(row), "doc",
                                       cli_json_text(row->doc)));
    if (csv)
        cli_print(cli, "%s,%s,%s,%s,%s,%s,%s\n", line->attr, row->suffix, line->read_pv,
                  line->write_pv, how, type, kind_name(row->kind));
    else
        cli_print(cli, "%-34s %-30s %-5s %-6s %-8s %s\n", line->attr, line->read_pv, how, type,
                  kind_name(row->kind), row->doc);
    return 0;
}

/* The rows of one device; `path` leads to it. */
static int show_own(struct cli *cli, oph_device *dev, const char *path, bool csv)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < oph_device_attr_count(dev); i++) {
        char attr[256];
        oph_signal *sig;
        oph_row row;
        if (oph_signal_find(dev, oph_device_attr_at(dev, i), &sig, NULL)) continue;
        oph_signal_row(sig, &row);
        snprintf(attr, sizeof attr, "%s%s%s", path, *path ? "." : "", row.attr);
        const struct line line = {attr, oph_signal_readback_pv(sig),
                                  row.how == OPH_HOW_RO ? "" : oph_signal_pv(sig), &row};
        rc = show_line(cli, &line, csv);
    }
    return rc;
}

/* "HDF5Plugin@3.4 MyMixin@3.4": each name at the release, but where it names its own. */
static int at_release(const char *names, const char *release, char *text, size_t size)
{
    size_t used = 0;
    while (*names) {
        size_t length = strcspn(names, " ");
        bool own = !release || memchr(names, '@', length);
        int more = snprintf(text + used, size - used, "%s%.*s%s%s", used ? " " : "", (int)length,
                            names, own ? "" : "@", own ? "" : release);
        used += (size_t)more;
        if (used >= size) return cli_usage("'%s' is no class", names);
        names += length;
        names += strspn(names, " ");
    }
    return used ? 0 : cli_usage("wanted the name of a class, found nothing");
}

/* The device and those below it. A child has the release that its IOC has, as its parent: the class
 * of each is asked at it. */
static int show_device(struct cli *cli, oph_device *dev, bool csv)
{
    char name[512];
    const char *path = strchr(oph_device_path(dev), '.');
    oph_device *own = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = at_release(oph_device_class(dev), cli_option(cli, "--ad"), name, sizeof name);
    if (rc) return rc;
    if (oph_device_new(cli->ctx, name, oph_device_prefix(dev), "det", &own, &err))
        return cli_fail(&err);
    rc = show_own(cli, own, path ? path + 1 : "", csv);
    oph_device_free(own);
    for (size_t i = 0; !rc && i < oph_device_child_count(dev); i++)
        rc = show_device(cli, oph_device_child_at(dev, i), csv);
    return rc;
}

static int show_rows(struct cli *cli, const char *name)
{
    const char *format = cli_option(cli, "--format");
    oph_error err = OPH_ERROR_INIT;
    if (format && strcmp(format, "csv") != 0 && strcmp(format, "text") != 0)
        return cli_usage("--format: wanted csv or text, found '%s'", format);
    bool csv = format && !strcmp(format, "csv");
    if (oph_device_new(cli->ctx, name, "", "det", &cli->det, &err)) return cli_fail(&err);
    if (csv && !cli->json) cli_print(cli, "attr,suffix,read_pv,write_pv,how,type,kind\n");
    return show_device(cli, cli->det, csv);
}

/* --- Text, and words */

static int show_text(struct cli *cli, const char *name)
{
    size_t length = 0;
    oph_error err = OPH_ERROR_INIT;
    uint32_t flags = cli_option(cli, "--flat") ? OPH_CLASS_FLAT : 0u;
    if (oph_class_text(cli->ctx, name, flags, NULL, 0, &length, &err)) return cli_fail(&err);
    char *text = malloc(length + 1);
    if (!text) return cli_no_memory();
    int rc = oph_class_text(cli->ctx, name, flags, text, length + 1, &length, &err);
    if (rc)
        rc = cli_fail(&err);
    else
        cli_print(cli, "%s", text);
    free(text);
    return rc;
}

static int find(struct cli *cli, const char *words)
{
    oph_rows *rows = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_class_find(cli->ctx, words, &rows, &err);
    if (rc) return cli_fail(&err);
    for (size_t i = 0; !rc && i < oph_rows_count(rows); i++) {
        const oph_row *row = oph_rows_at(rows, i);
        if (cli->json)
            rc = cli_json(cli,
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "class",
                                    row->class_name, "attr", row->attr, "suffix", row->suffix,
                                    "how", oph_how_name(row->how), "type",
                                    oph_row_type_name(row->type), "kind", kind_name(row->kind),
                                    "labels", labels_json(row), "doc", cli_json_text(row->doc)));
        else
            cli_print(cli, "%-24s %-28s %-26s %s\n", row->class_name, row->attr, row->suffix,
                      row->doc);
    }
    oph_rows_free(rows);
    return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
    char name[512];
    const char *words = cli_option(cli, "--find"), *class_name = NULL;
    int rc = cli_context(cli);
    if (rc) return rc;
    if (words) return find(cli, words);
    if (argc) cli->class_name = argv[0];
    if (cli->class_name) rc = cli_class(cli, &class_name);
    if (rc) return rc;
    if (!class_name) return show_all(cli);
    if (!cli_option(cli, "--text") && !cli_option(cli, "--flat")) return show_rows(cli, class_name);
    rc = at_release(class_name, cli_option(cli, "--ad"), name, sizeof name);
    return rc ? rc : show_text(cli, name);
}

static const struct cli_option options[] = {
    {"--ad", "RELEASE", "as of that release of areaDetector, as 3.4"},
    {"--format", "csv|text", "csv: attr,suffix,read_pv,write_pv,how,type,kind"},
    {"--find", "WORDS", "rows of any class in which all words occur"},
    {"--text", NULL, "the class as text, as it was written"},
    {"--flat", NULL, "the same, with all that it derives from"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_classes = {
    .name = "classes",
    .line = "lists classes, or the signals of one",
    .usage = "[NAME|FILE]",
    .operands_min = 0,
    .operands_max = 1,
    .uses = CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "Needs no IOC. PVs are told without the detector's prefix.",
    .examples = "cophyd classes\n"
                "cophyd classes HDF5Plugin --ad 3.4 --format csv\n"
                "cophyd classes pilatus\n"
                "cophyd classes --find 'hdf5 compress'",
};
