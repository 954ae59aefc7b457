/* cophyd view: a frame of a file, or the newest of an image plugin. */
#include "cli/commands.h"
#include "cli/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of pixels at a time; a part of a larger frame can be looked at. */
static const int64_t MOST_BYTES = INT64_C(1) << 30;

/* --- The command line */

/* "A,B" or "AxB". */
static bool split(const char *text, char between, char first[64], const char **second)
{
    const char *at = strchr(text, between);
    if (!at || at - text >= 64) return false;
    memcpy(first, text, (size_t)(at - text));
    first[at - text] = 0;
    *second = at + 1;
    return true;
}

static bool to_pair(const char *text, double *low, double *high)
{
    char first[64];
    const char *second;
    return split(text, ',', first, &second) && cli_to_double(first, low) &&
           cli_to_double(second, high) && isfinite(*low) && isfinite(*high) && *low < *high;
}

static int read_scale(struct view *view)
{
    const char *scale = cli_option(view->cli, "--scale"), *map = cli_option(view->cli, "--map");
    const char *percent = cli_option(view->cli, "--percent"),
               *range = cli_option(view->cli, "--range");
    const char *saturation = cli_option(view->cli, "--saturation");
    struct picture_scale *s = &view->scale;
    *s = (struct picture_scale){
        .low = (double)NAN, .high = (double)NAN, .percent_low = 1, .percent_high = 99};
    view->saturation = (double)NAN;
    view->map = map ? color_map_find(map) : color_maps;
    if (!view->map) return cli_usage("--map: wanted dusk, heat, gray or inverted, found %s", map);
    if (scale && strcmp(scale, "log") != 0 && strcmp(scale, "linear") != 0)
        return cli_usage("--scale: wanted log or linear, found %s", scale);
    s->log = !scale || strcmp(scale, "log") == 0;
    if (range && !to_pair(range, &s->low, &s->high))
        return cli_usage("--range: wanted LOW,HIGH as 0,500, found %s", range);
    if (percent && (!to_pair(percent, &s->percent_low, &s->percent_high) || s->percent_low < 0 ||
                    s->percent_high > 100))
        return cli_usage("--percent: wanted LOW,HIGH from 0 to 100 as 1,99, found %s", percent);
    if (saturation && !cli_to_double(saturation, &view->saturation))
        return cli_usage("--saturation: wanted a number, found %s", saturation);
    return 0;
}

static int read_region(struct view *view)
{
    const char *text = cli_option(view->cli, "--region"), *rest;
    char x[64], y[64], width[64];
    if (!text) return 0;
    view->region = split(text, ',', x, &rest) && split(rest, ',', y, &rest) &&
                   split(rest, 'x', width, &rest) && cli_to_int(x, &view->x) &&
                   cli_to_int(y, &view->y) && cli_to_int(width, &view->width) &&
                   cli_to_int(rest, &view->height);
    if (view->region && view->x >= 0 && view->y >= 0 && view->width > 0 && view->height > 0)
        return 0;
    return cli_usage("--region: wanted X,Y,WIDTHxHEIGHT as 100,50,64x64, found %s", text);
}

static int read_options(struct view *view)
{
    int rc = read_scale(view);
    if (!rc) rc = read_region(view);
    if (!rc) rc = cli_option_int(view->cli, "--frame", INT64_MIN, -1, &view->number);
    if (!rc) rc = cli_option_int(view->cli, "-n", 1, 0, &view->most);
    view->all = cli_option(view->cli, "--no-mask") != NULL;
    view->follow = cli_option(view->cli, "--follow") != NULL;
    view->png = cli_option(view->cli, "--png");
    if (!rc && view->most && !view->follow) return cli_usage("-n is of --follow");
    return rc;
}

/* --- One frame */

int view_make_room(struct view *view, int64_t bytes)
{
    if (bytes > MOST_BYTES) {
        cli_say("a frame of %lld bytes is more than is looked at in one piece, which is %lld: name "
                "a part of it by --region",
                (long long)bytes, (long long)MOST_BYTES);
        return CLI_FAILED;
    }
    if ((size_t)bytes <= view->room) return 0;
    free(view->pixels);
    view->pixels = malloc((size_t)bytes);
    view->room = view->pixels ? (size_t)bytes : 0;
    if (view->pixels) return 0;
    cli_say("no memory for a frame of %lld bytes", (long long)bytes);
    return CLI_FAILED;
}

int view_not_a_picture(int32_t dtype, uint32_t rank, const int64_t *shape)
{
    char text[128] = "";
    for (uint32_t i = 0; i < rank && i < 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? " x " : "",
                 (long long)shape[i]);
    cli_say("wanted a frame of one or two dimensions, with colours or without, found %s of %s",
            text[0] ? text : "a single number", oph_dtype_name(dtype));
    return CLI_FAILED;
}

int view_no_such_region(const struct view *view)
{
    cli_say("--region: the frame has %lld x %lld pixels", (long long)view->frame.width,
            (long long)view->frame.height);
    return CLI_USAGE;
}

bool view_enough(const struct view *view)
{
    return !view->follow || (view->most && view->shown >= view->most) || view->cli->closed ||
           cli_interrupted();
}

void view_screen(const struct view *view, bool begin)
{
    if (view->again) cli_print_raw(view->cli, begin ? "\033[?25l" : "\033[?25h");
}

/* --- Either */

static bool is_file(const char *operand)
{
    static const char *const ends[] = {".h5", ".hdf5", ".nxs", ".tif", ".tiff", ".cbf"};
    size_t length = strlen(operand);
    if (strchr(operand, '/') || access(operand, F_OK) == 0) return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (length > end && strcmp(operand + length - end, ends[i]) == 0) return true;
    }
    return false;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct view view = {.cli = cli};
    (void)argc;
    int rc = read_options(&view);
    view.again = view.follow && cli->terminal && !cli->json && !view.png;
    if (!rc) rc = is_file(argv[0]) ? view_file(&view, argv[0]) : view_live(&view, argv[0]);
    free(view.pixels);
    return rc;
}

static const struct cli_option options[] = {
    {"--frame", "N", "that frame of a file; 0 is the first, -1 (the default) the last"},
    {"--dataset", "PATH", "of an HDF5 file, in place of /entry/data/data"},
    {"--image", "PATH", "the image plugin to look at, as image; else the first"},
    {"--region", "X,Y,WxH", "only that part: first column and row, columns x rows"},
    {"--follow", NULL, "shows each new frame, until Ctrl-C"},
    {"-n", "COUNT", "with --follow: ends after so many frames"},
    {"--png", "FILE", "writes a PNG of all pixels instead; - is standard output"},
    {"--scale", "SCALE", "log (the default) or linear"},
    {"--percent", "LOW,HIGH", "darkest and brightest at these percents of pixels: 1,99"},
    {"--range", "LOW,HIGH", "darkest and brightest at these values"},
    {"--map", "NAME", "colours: dusk (the default), heat, gray or inverted"},
    {"--saturation", "VALUE", "pixels from that value on are counted as saturated"},
    {"--no-mask", NULL, "no value, as -1 of a Pilatus, means that a pixel is masked"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_view = {
    .name = "view",
    .line = "looks at a frame, of a file or live",
    .usage = "FILE|PREFIX",
    .operands_min = 1,
    .operands_max = 1,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "Draws the frame on a terminal, with statistics beside it; in a pipe these alone.\n"
            "A pixel of the picture is the brightest of those that it covers, so that single\n"
            "bright ones are seen. Masked pixels count for nothing: below 0 in signed types,\n"
            "the highest two values of uint32 and uint64, NaN.\n"
            "\n"
            "A file is HDF5, TIFF or CBF. Otherwise it is the newest image of the detector's\n"
            "image plugin, over Channel Access.",
    .examples = "cophyd view Pilatus: --follow\n"
                "cophyd view run_0001.h5 --frame 0 --map inverted\n"
                "cophyd view run_0001.h5 --png run.png --scale linear\n"
                "cophyd view --json run_0001.h5 | jq .max_at",
};
