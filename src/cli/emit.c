/* count --emit-c: what the command line says, as a program in C. */
#include "cli/emit.h"

#include <stdlib.h>
#include <string.h>

/* --- Text as C has it */

static void emit_inside(struct cli *cli, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            cli_print(cli, "\\%c", c);
        else if (c == '?' || c < ' ' || c >= 0x7F) /* no trigraph, and digits may follow */
            cli_print(cli, "\\%03o", c);
        else
            cli_print(cli, "%c", c);
    }
}

static void emit_string(struct cli *cli, const char *text)
{
    cli_print(cli, "\"");
    emit_inside(cli, text, strlen(text));
    cli_print(cli, "\"");
}

/* A text of several lines, a literal each; comments and empty lines are left out. */
static void emit_lines(struct cli *cli, const char *text)
{
    const char *end;
    for (; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        size_t blanks = strspn(text, " \t\r");
        if (text + blanks >= end || text[blanks] == '#') continue;
        cli_print(cli, "\n    \"");
        emit_inside(cli, text, (size_t)(end - text));
        cli_print(cli, "\\n\"");
    }
}

/* --- The parts of the program */

static const char beginning[] = "#include <cophyd/cophyd.h>\n"
                                "#include <cophyd/documents.h>\n"
                                "#include <signal.h>\n"
                                "#include <unistd.h>\n"
                                "\n";

static const char handlers[] = "static oph_context *ctx;\n"
                               "\n"
                               "/* The count ends, and puts everything back. */\n"
                               "static void on_signal(int number)\n"
                               "{\n"
                               "    (void)number;\n"
                               "    oph_interrupt(ctx);\n"
                               "}\n"
                               "\n";

static const char ending[] = "    if (!rc) signal(SIGINT, on_signal);\n"
                             "    if (!rc) signal(SIGTERM, on_signal);\n"
                             "    if (!rc) rc = count(det, &err);\n"
                             "    oph_error_print(&err, stderr);\n"
                             "    signal(SIGINT, SIG_DFL);\n"
                             "    signal(SIGTERM, SIG_DFL);\n"
                             "    oph_device_free(det);\n"
                             "    oph_context_free(ctx);\n"
                             "    return rc != 0;\n"
                             "}\n";

/* "child(det, "hdf1")": a helper of the program, so that each setting is a line. */
static void emit_device(struct cli *cli, const oph_device *dev)
{
    const char *path = strchr(oph_device_path(dev), '.');
    cli_print(cli, path ? "child(det, " : "det");
    if (path) emit_string(cli, path + 1);
    if (path) cli_print(cli, ")");
}

static void emit_set(struct cli *cli, const char *path)
{
    oph_setting setting = {.size = sizeof setting};
    const char *key;
    oph_device *dev = cli_owner(cli->det, path, &key);
    if (oph_settings_get(dev, key, &setting, NULL)) return;
    cli_print(cli, "    if (!rc) rc = oph_settings_set(");
    emit_device(cli, dev);
    cli_print(cli, ", ");
    emit_string(cli, key);
    cli_print(cli, ", ");
    if (setting.dtype == OPH_STRING)
        emit_string(cli, setting.text);
    else
        cli_print(cli, "%s%s", setting.text,
                  setting.dtype == OPH_FLOAT64 && !strpbrk(setting.text, ".en") ? ".0" : "");
    cli_print(cli, ", err);\n");
}

static void emit_sets(struct cli *cli)
{
    for (size_t i = 0; i < cli->set_count; i++) {
        char *path = strndup(cli->sets[i], strcspn(cli->sets[i], "="));
        if (path) emit_set(cli, path);
        free(path);
    }
}

/* The folders of a store and of those below it, where the options gave them. */
static void emit_folders(struct cli *cli, oph_device *dev)
{
    char write[2048], read[2048];
    if (oph_device_is(dev, "FileStorePluginBase") &&
        !oph_files_get(dev, OPH_SIDE_IOC, write, sizeof write, NULL) &&
        !oph_files_get(dev, OPH_SIDE_LOCAL, read, sizeof read, NULL)) {
        if (cli_is_windows(cli)) {
            cli_print(cli, "    if (!rc) rc = oph_files_set_semantics(");
            emit_device(cli, dev);
            cli_print(cli, ", OPH_PATH_WINDOWS, err);\n");
        }
        cli_print(cli, "    if (!rc) rc = oph_files_set(");
        emit_device(cli, dev);
        cli_print(cli, ", ");
        emit_string(cli, write);
        cli_print(cli, ", ");
        emit_string(cli, read);
        cli_print(cli, ", err);\n");
    }
    for (size_t i = 0; i < oph_device_child_count(dev); i++)
        emit_folders(cli, oph_device_child_at(dev, i));
}

static const char child[] = "/* NULL where there is none, which the calls below refuse. */\n"
                            "static oph_device *child(oph_device *det, const char *path)\n"
                            "{\n"
                            "    oph_device *dev = NULL;\n"
                            "    oph_device_child(det, path, &dev, NULL);\n"
                            "    return dev;\n"
                            "}\n"
                            "\n";

static void emit_set_up(struct cli *cli)
{
    bool folders = cli->write_root && cli_first(cli->det, "FileStorePluginBase");
    if (!cli->set_count && !folders) return;
    cli_print(cli, "%s", child);
    cli_print(cli,
              "/* What the stage sets%s. */\nstatic int set_up(oph_device *det, oph_error "
              "*err)\n{\n    int rc = 0;\n",
              folders ? ", and where files go" : "");
    emit_sets(cli);
    if (folders) emit_folders(cli, cli->det);
    cli_print(cli, "    return rc;\n}\n\n");
}

/* The sink, and the count. */
static void emit_documents(struct cli *cli, int64_t points, const oph_count_options *options)
{
    const char *file = cli_option(cli, "--docs");
    if (!file)
        cli_print(cli, "/* Nobody wants the documents; the name of each shows how far it is. */\n"
                       "static int32_t show(void *user, const char *name, const char *json, "
                       "size_t length,\n                    oph_error *err)\n{\n"
                       "    (void)user, (void)json, (void)length, (void)err;\n"
                       "    puts(name);\n    return 0;\n}\n\n");
    cli_print(cli, "static int count(oph_device *det, oph_error *err)\n{\n"
                   "    oph_count_options options = {.size = sizeof options};\n");
    if (options->form == OPH_DOCUMENT_STREAM)
        cli_print(cli, "    options.form = OPH_DOCUMENT_STREAM;\n");
    if (options->timeout > 0) cli_print(cli, "    options.timeout = %.17g;\n", options->timeout);
    if (options->metadata) {
        cli_print(cli, "    options.metadata = ");
        emit_string(cli, options->metadata);
        cli_print(cli, ";\n");
    }
    if (!file) {
        cli_print(cli,
                  "    return oph_count(ctx, &det, 1, %lld, show, NULL, &options, err);\n}\n\n",
                  (long long)points);
        return;
    }
    cli_print(cli, "    oph_document_lines *lines = NULL;\n    int rc = ");
    if (!strcmp(file, "-")) {
        cli_print(cli, "oph_document_lines_new(STDOUT_FILENO");
    } else {
        cli_print(cli, "oph_document_lines_open(");
        emit_string(cli, file);
    }
    cli_print(cli,
              ", &lines, err);\n    if (!rc)\n"
              "        rc = oph_count(ctx, &det, 1, %lld, oph_document_lines_write, lines, "
              "&options, err);\n    oph_document_lines_free(lines);\n    return rc;\n}\n\n",
              (long long)points);
}

int emit_count(struct cli *cli, int64_t points, const oph_count_options *options)
{
    const char *class_name;
    char *text = NULL;
    if (cli_option(cli, "--kafka"))
        return cli_usage("--emit-c writes no program for --kafka: see examples/kafka.c");
    int rc = cli_class(cli, &class_name);
    if (!rc) rc = cli_class_text(cli, &text);
    if (rc) return rc;
    cli_print(cli, "/* cc -std=c11 FILE.c $(pkg-config --cflags --libs cophyd-doc cophyd) */\n%s",
              beginning);
    if (text) {
        cli_print(cli, "static const char classes[] =");
        emit_lines(cli, text);
        cli_print(cli, ";\n\n");
    }
    cli_print(cli, "%s", handlers);
    emit_set_up(cli);
    emit_documents(cli, points, options);
    cli_print(cli, "int main(void)\n{\n    oph_device *det = NULL;\n"
                   "    oph_error err = OPH_ERROR_INIT;\n"
                   "    int rc = oph_context_new(NULL, &ctx, &err);\n");
    if (text)
        cli_print(cli,
                  "    if (!rc) rc = oph_class_parse(ctx, classes, \"classes\", NULL, &err);\n");
    cli_print(cli, "    if (!rc) rc = oph_device_new(ctx, ");
    emit_string(cli, class_name);
    cli_print(cli, ", ");
    emit_string(cli, oph_device_prefix(cli->det));
    cli_print(cli, ", \"det\", &det, &err);\n");
    if (cli->set_count || cli->write_root) cli_print(cli, "    if (!rc) rc = set_up(det, &err);\n");
    cli_print(cli, "%s", ending);
    free(text);
    return cli_flush(cli);
}
