/* cophyd graph: the ways that frames take, of all plugins that the IOC has. */
#include "cli/commands.h"
#include "cli/replace.h"
#include "cli/whole.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef size_t text_fn(const oph_graph *graph, char *buffer, size_t size);

static char *text_of(const oph_graph *graph, text_fn *fn)
{
    size_t size = fn(graph, NULL, 0) + 1;
    char *text = malloc(size);
    if (text)
        fn(graph, text, size);
    else
        cli_no_memory();
    return text;
}

/* --- Text */

/* What a line says: red where frames end or get lost, yellow where they wait or are not taken.
 * `feeds`: other plugins take their frames from this one. */
static enum cli_color color_of(const char *line, size_t length, bool feeds)
{
    static const struct {
        const char *words;
        enum cli_color color;
    } signs[] = {
        {", which no device here has", CLI_RED},
        {", which the IOC does not have", CLI_RED},
        {"a circle: ", CLI_RED},
        {", MinCallbackTime ", CLI_RED},
        {", its queue is full", CLI_YELLOW},
        {", disabled", CLI_YELLOW},
        {", blocking", CLI_YELLOW},
    };
    static const char silent[] = ", hands no frames on";
    if (feeds && memmem(line, length, silent, sizeof silent - 1)) return CLI_RED;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (memmem(line, length, signs[i].words, strlen(signs[i].words))) return signs[i].color;
    }
    return CLI_PLAIN;
}

/* A line that is further to the right follows. */
static bool has_more_below(const char *line, size_t length)
{
    const char *next = line + length + (line[length] != 0);
    return strspn(next, " ") > strspn(line, " ");
}

static int print_text(struct cli *cli, const oph_graph *graph)
{
    char *text = text_of(graph, oph_graph_text);
    if (!text) return CLI_FAILED;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        enum cli_color color = color_of(line, length, has_more_below(line, length));
        cli_print(cli, "%s%.*s%s\n", color ? cli_color(cli, color) : "", (int)length, line,
                  color ? cli_color(cli, CLI_PLAIN) : "");
        line += length + (line[length] != 0);
    }
    free(text);
    return 0;
}

static int print_dot(struct cli *cli, const oph_graph *graph)
{
    char *text = text_of(graph, oph_graph_dot);
    if (!text) return CLI_FAILED;
    cli_print(cli, "%s", text);
    free(text);
    return 0;
}

/* --- JSON */

/* Numbers that the IOC does not have are null. */
static json_t *known(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *flag(int32_t value)
{
    return value < 0 ? json_null() : json_boolean(value != 0);
}

static json_t *json_node(const oph_graph_node *n)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "device",
                     n->dev ? cli_json_text(n->attr) : json_null(), "port", cli_json_text(n->port),
                     "type", cli_json_text(n->type), "source", cli_json_text(n->source), "address",
                     known(n->address), "camera", n->is_camera, "enabled", flag(n->enabled),
                     "callbacks", flag(n->callbacks), "blocking", flag(n->blocking), "has_camera",
                     n->has_camera, "queue_size", known(n->queue_size), "queue_free",
                     known(n->queue_free), "min_callback_time",
                     n->min_callback_time < 0 ? json_null() : json_real(n->min_callback_time));
}

static int print_json(struct cli *cli, const oph_graph *graph)
{
    json_t *nodes = json_array(), *edges = json_array();
    bool ok = nodes && edges;
    for (size_t i = 0; ok && i < oph_graph_node_count(graph); i++)
        ok = json_array_append_new(nodes, json_node(oph_graph_node_at(graph, i))) == 0;
    for (size_t i = 0; ok && i < oph_graph_edge_count(graph); i++) {
        const oph_graph_edge *e = oph_graph_edge_at(graph, i);
        const oph_graph_node *from = oph_graph_node_at(graph, e->from);
        const oph_graph_node *to = oph_graph_node_at(graph, e->to);
        ok = json_array_append_new(
                 edges, json_pack("{s:o, s:o, s:o, s:o}", "from", cli_json_text(from->port), "to",
                                  cli_json_text(to->port), "address", known(e->address), "enabled",
                                  flag(e->enabled))) == 0;
    }
    json_t *json = json_pack("{s:o, s:o}", "nodes", nodes, "edges", edges);
    if (!ok) {
        json_decref(json);
        json = NULL;
    }
    return cli_json(cli, json);
}

/* --- SVG */

/* An unlinked file that has the text, to be read from its beginning. */
static FILE *file_of(const char *text)
{
    FILE *file = tmpfile();
    bool ok = file && fputs(text, file) >= 0 && fflush(file) == 0;
    if (ok) ok = lseek(fileno(file), 0, SEEK_SET) == 0;
    if (ok) return file;
    cli_say("a temporary file: %s", strerror(errno));
    if (file) fclose(file);
    return NULL;
}

/* Graphviz's dot, from `in` to `out`; what it has to say goes to our stderr. */
static int run_dot(int in, int out)
{
    char program[] = "dot", format[] = "-Tsvg", *const args[] = {program, format, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    if (posix_spawn_file_actions_init(&actions)) return cli_no_memory();
    int rc = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (!rc) rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!rc) rc = posix_spawnp(&pid, program, &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc == ENOENT) {
        cli_say("--svg needs Graphviz's dot in PATH (apt-get install -y graphviz)");
        return CLI_FAILED;
    }
    if (rc) return cli_say("dot: %s", strerror(rc)), CLI_FAILED;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    cli_say("dot failed");
    return CLI_FAILED;
}

static int cannot_write(const char *file)
{
    cli_say("%s: %s", file, strerror(errno));
    return CLI_FAILED;
}

static int write_svg(const oph_graph *graph, const char *file)
{
    struct replacement r;
    char *text = text_of(graph, oph_graph_dot);
    FILE *in = text ? file_of(text) : NULL;
    int rc = in ? 0 : CLI_FAILED;
    if (!rc && !replace_begin(&r, file)) {
        rc = cannot_write(file);
    } else if (!rc) {
        rc = run_dot(fileno(in), fileno(r.out));
        if (!replace_end(&r, !rc) && !rc) rc = cannot_write(file);
    }
    if (in) fclose(in);
    free(text);
    return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
    oph_device *det = NULL;
    oph_graph *graph = NULL;
    oph_error err = OPH_ERROR_INIT;
    const char *svg = cli_option(cli, "--svg");
    (void)argc;
    int rc = cli_device(cli, argv[0], &det);
    if (!rc && !cli_option(cli, "--class-only")) rc = whole_device(cli, det, &det);
    if (!rc && oph_graph_new(det, cli->timeout, &graph, &err)) rc = cli_fail(&err);
    if (!rc && svg)
        rc = write_svg(graph, svg);
    else if (!rc && cli_option(cli, "--dot"))
        rc = print_dot(cli, graph);
    else if (!rc)
        rc = cli->json ? print_json(cli, graph) : print_text(cli, graph);
    oph_graph_free(graph);
    if (det != cli->det) oph_device_free(det);
    return rc;
}

static const struct cli_option options[] = {
    {"--dot", NULL, "for Graphviz: cophyd graph Pilatus: --dot | dot -Tpng >chain.png"},
    {"--svg", "FILE", "writes a picture, by Graphviz's dot"},
    {"--class-only", NULL, "only the devices of the class, not what else the IOC has"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_graph = {
    .name = "graph",
    .line = "shows the plugin chain",
    .usage = "PREFIX",
    .operands_min = 1,
    .operands_max = 1,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "Each plugin stands under the one that its frames come from. Told are ports that\n"
            "nobody has, plugins that are disabled, that the driver waits for (blocking), that\n"
            "skip frames (MinCallbackTime) or whose queue is full.",
    .examples = "cophyd graph Pilatus:\n"
                "cophyd graph Pilatus: --svg chain.svg\n"
                "cophyd graph --json Pilatus: | jq -r '.nodes[] | select(.enabled==false).device'",
};
