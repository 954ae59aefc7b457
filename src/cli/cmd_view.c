/* cophyd view: a frame of a file, or the newest of an image plugin. */
#include "cli/commands.h"
#include "cli/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of pixels at a time; a part of a larger frame can be looked at. */
static const int64_t MOST_BYTES = INT64_C(1) << 30;
/* Seconds: how soon an interrupt ends following a file. */
static const double SLICE = 0.25;

struct work {
    struct view view;
    struct cli *cli;
    struct frame frame;
    void *pixels; /* of `room` bytes */
    size_t room;
    bool all;    /* no pixel is masked */
    bool region; /* or all of it */
    int64_t x, y, width, height;
    bool follow;
    int64_t number; /* of a file's frames; below 0: from the end */
    int64_t most;   /* frames, then following ends; 0: no end */
    int64_t shown;
};

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
           cli_to_double(second, high) && *low < *high;
}

static int read_scale(struct work *w)
{
    const char *scale = cli_option(w->cli, "--scale"), *map = cli_option(w->cli, "--map");
    const char *percent = cli_option(w->cli, "--percent"), *range = cli_option(w->cli, "--range");
    const char *saturation = cli_option(w->cli, "--saturation");
    struct picture_scale *s = &w->view.scale;
    *s = (struct picture_scale){
        .low = (double)NAN, .high = (double)NAN, .percent_low = 1, .percent_high = 99};
    w->view.saturation = (double)NAN;
    w->view.map = map ? color_map_find(map) : color_maps;
    if (!w->view.map) return cli_usage("--map: wanted dusk, heat, gray or inverted, found %s", map);
    if (scale && strcmp(scale, "log") != 0 && strcmp(scale, "linear") != 0)
        return cli_usage("--scale: wanted log or linear, found %s", scale);
    s->log = !scale || strcmp(scale, "log") == 0;
    if (range && !to_pair(range, &s->low, &s->high))
        return cli_usage("--range: wanted LOW,HIGH as 0,500, found %s", range);
    if (percent && (!to_pair(percent, &s->percent_low, &s->percent_high) || s->percent_low < 0 ||
                    s->percent_high > 100))
        return cli_usage("--percent: wanted LOW,HIGH from 0 to 100 as 1,99, found %s", percent);
    if (saturation && !cli_to_double(saturation, &w->view.saturation))
        return cli_usage("--saturation: wanted a number, found %s", saturation);
    return 0;
}

static int read_region(struct work *w)
{
    const char *text = cli_option(w->cli, "--region"), *rest;
    char x[64], y[64], width[64];
    if (!text) return 0;
    w->region = split(text, ',', x, &rest) && split(rest, ',', y, &rest) &&
                split(rest, 'x', width, &rest) && cli_to_int(x, &w->x) && cli_to_int(y, &w->y) &&
                cli_to_int(width, &w->width) && cli_to_int(rest, &w->height);
    if (w->region && w->x >= 0 && w->y >= 0 && w->width > 0 && w->height > 0) return 0;
    return cli_usage("--region: wanted X,Y,WIDTHxHEIGHT as 100,50,64x64, found %s", text);
}

static int read_options(struct work *w)
{
    int rc = read_scale(w);
    if (!rc) rc = read_region(w);
    if (!rc) rc = cli_option_int(w->cli, "--frame", INT64_MIN, -1, &w->number);
    if (!rc) rc = cli_option_int(w->cli, "-n", 1, 0, &w->most);
    w->all = cli_option(w->cli, "--no-mask") != NULL;
    w->follow = cli_option(w->cli, "--follow") != NULL;
    w->view.png = cli_option(w->cli, "--png");
    w->view.cli = w->cli;
    if (!rc && w->most && !w->follow) return cli_usage("-n is of --follow");
    return rc;
}

/* --- One frame */

static int make_room(struct work *w, int64_t bytes)
{
    if (bytes > MOST_BYTES) {
        cli_say("a frame of %lld bytes is more than is looked at in one piece, which is %lld: name "
                "a part of it by --region",
                (long long)bytes, (long long)MOST_BYTES);
        return CLI_FAILED;
    }
    if ((size_t)bytes <= w->room) return 0;
    free(w->pixels);
    w->pixels = malloc((size_t)bytes);
    w->room = w->pixels ? (size_t)bytes : 0;
    if (w->pixels) return 0;
    cli_say("no memory for a frame of %lld bytes", (long long)bytes);
    return CLI_FAILED;
}

static int not_a_picture(int32_t dtype, uint32_t rank, const int64_t *shape)
{
    char text[128] = "";
    for (uint32_t i = 0; i < rank && i < 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? " x " : "",
                 (long long)shape[i]);
    cli_say("wanted a frame of one or two dimensions, with colours or without, found %s of %s",
            text[0] ? text : "a single number", oph_dtype_name(dtype));
    return CLI_FAILED;
}

static int no_such_region(const struct work *w)
{
    cli_say("--region: the frame has %lld x %lld pixels", (long long)w->frame.width,
            (long long)w->frame.height);
    return CLI_USAGE;
}

static int show(struct work *w, const struct view_source *source)
{
    w->frame.all = w->all;
    int rc = view_show(&w->view, &w->frame, source);
    w->shown++;
    return rc;
}

/* Shows no more: enough of them, or nobody reads. */
static bool enough(const struct work *w)
{
    return !w->follow || (w->most && w->shown >= w->most) || w->cli->closed || cli_interrupted();
}

static void screen(const struct work *w, bool begin)
{
    if (w->view.again) cli_print(w->cli, begin ? "\033[?25l" : "\033[?25h");
}

/* --- Of a file */

/* Reads the whole frame, or the part of it that is wanted, so that w->frame has it. */
static int read_frame(struct work *w, oph_frames *frames, const oph_frames_info *info,
                      int64_t number)
{
    oph_error err = OPH_ERROR_INIT;
    uint32_t rank = info->rank - 1;
    const int64_t *shape = info->shape + 1;
    int64_t from[10] = {0}, size[10], bytes = info->item_bytes;
    if (!frame_make(&w->frame, NULL, info->dtype, rank, shape))
        return not_a_picture(info->dtype, rank, shape);
    memcpy(size, shape, sizeof size - sizeof *size);
    if (w->region) {
        if (!frame_has(&w->frame, w->x, w->y, w->width, w->height)) return no_such_region(w);
        from[w->frame.column_axis] = w->x;
        size[w->frame.column_axis] = w->width;
        if (w->frame.row_axis >= 0) from[w->frame.row_axis] = w->y;
        if (w->frame.row_axis >= 0) size[w->frame.row_axis] = w->height;
    }
    for (uint32_t i = 0; i < rank; i++)
        bytes = size[i] && bytes > INT64_MAX / size[i] ? INT64_MAX : bytes * size[i];
    int rc = make_room(w, bytes);
    if (rc) return rc;
    if (bytes && oph_frames_read_region(frames, number, 1, from, size, w->pixels, w->room, &err))
        return cli_fail(&err);
    frame_make(&w->frame, w->pixels, info->dtype, rank, size);
    return 0;
}

static int show_frame(struct work *w, oph_frames *frames, const char *file, int64_t *ret_count)
{
    oph_frames_info info = {.size = sizeof info};
    oph_frame_stamp stamp = {-1, -1, (double)NAN};
    oph_error err = OPH_ERROR_INIT;
    if (oph_frames_describe(frames, &info, &err)) return cli_fail(&err);
    int64_t number = w->number < 0 ? info.shape[0] + w->number : w->number;
    *ret_count = info.shape[0];
    if (info.shape[0] == 0 && w->follow) return 0;
    if (number < 0 || number >= info.shape[0]) {
        cli_say("%s: it has %lld frames, no frame %lld", file, (long long)info.shape[0],
                (long long)w->number);
        return CLI_FAILED;
    }
    int rc = read_frame(w, frames, &info, number);
    oph_frames_stamps(frames, number, 1, &stamp, NULL); /* a file without any has a picture, too */
    const struct view_source source = {.file = file,
                                       .filters = info.filters,
                                       .number = number,
                                       .count = info.shape[0],
                                       .unique_id = stamp.unique_id,
                                       .time_ns = stamp.time_ns};
    return rc ? rc : show(w, &source);
}

/* Until there are more frames than `known`; *ended: there will be none. */
static int wait_for_frames(struct work *w, oph_frames *frames, int64_t known, int32_t *ended)
{
    oph_error err = OPH_ERROR_INIT;
    double patience = isnan(w->cli->timeout) ? OPH_FOREVER : w->cli->timeout;
    int64_t count = known;
    int rc = OPH_ETIMEOUT;
    *ended = 0;
    while (rc == OPH_ETIMEOUT && patience > 0 && !cli_interrupted()) {
        double slice = patience < SLICE ? patience : SLICE;
        rc = oph_frames_follow(frames, known, -1, slice, &count, ended, &err);
        patience -= slice;
    }
    if (cli_interrupted()) return CLI_INTERRUPTED;
    if (!rc && *ended && count > known) *ended = 0;
    return rc ? cli_fail(&err) : 0;
}

static int view_file(struct work *w, const char *file)
{
    oph_frames *frames = NULL;
    oph_error err = OPH_ERROR_INIT;
    double patience = access(file, F_OK) == 0 || w->follow ? OPH_DEFAULT : 0;
    int32_t ended = 0;
    int64_t count = 0;
    if (w->follow && cli_option(w->cli, "--frame"))
        return cli_usage("--follow shows the newest frame: --frame does not go with it");
    int rc = w->follow ? cli_context(w->cli) : 0; /* which an interrupt needs */
    if (rc) return rc;
    if (!isnan(w->cli->timeout)) patience = w->cli->timeout;
    if (oph_frames_open(file, cli_option(w->cli, "--dataset"), patience, &frames, &err))
        return cli_fail(&err);
    screen(w, true);
    rc = show_frame(w, frames, file, &count);
    while (!rc && !enough(w)) {
        rc = wait_for_frames(w, frames, count, &ended);
        if (rc || ended) break;
        rc = show_frame(w, frames, file, &count);
    }
    screen(w, false);
    oph_frames_free(frames);
    return !rc && cli_interrupted() ? CLI_INTERRUPTED : rc;
}

/* --- Live */

/* The first image plugin of the tree. */
static oph_device *find_image(oph_device *dev)
{
    if (oph_device_is(dev, "ImagePlugin")) return dev;
    for (size_t i = 0; i < oph_device_child_count(dev); i++) {
        oph_device *found = find_image(oph_device_child_at(dev, i));
        if (found) return found;
    }
    return NULL;
}

static int choose_image(struct work *w, const char *prefix, oph_device **ret)
{
    const char *path = cli_option(w->cli, "--image");
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = cli_device(w->cli, prefix, &det);
    if (rc) return rc;
    if (path && oph_device_child(det, path, ret, &err)) return cli_fail(&err);
    if (!path) *ret = find_image(det);
    if (!*ret || !oph_device_is(*ret, "ImagePlugin"))
        return cli_usage("%s%swanted an image plugin, found none", path ? path : "the detector",
                         ": ");
    return 0;
}

/* Room for the largest image that the record can hold. */
static int make_image_room(struct work *w, oph_device *image)
{
    oph_properties properties = {.size = sizeof properties};
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_signal_find(image, "array_data", &sig, &err);
    if (!rc) rc = oph_signal_properties(sig, OPH_PART_READBACK, w->cli->timeout, &properties, &err);
    if (rc) return cli_fail(&err);
    return make_room(w, (int64_t)properties.count * (int64_t)oph_dtype_size(properties.dtype));
}

/* When the frame came, by the IOC's clock; -1 where another has come since. */
static int64_t time_of(oph_device *image, int64_t unique_id)
{
    oph_signal *sig = NULL;
    oph_value *value = NULL;
    int64_t id = 0, seconds = 0, ret = -1;
    int32_t nanoseconds = 0;
    if (oph_signal_find(image, "unique_id", &sig, NULL)) return -1;
    if (oph_signal_read(sig, NULL, &value, NULL) == 0 && oph_value_get_int(value, &id, NULL) == 0 &&
        id == unique_id) {
        oph_value_time(value, &seconds, &nanoseconds);
        ret = seconds * 1000000000 + nanoseconds;
    }
    oph_value_free(value);
    return ret;
}

static int show_image(struct work *w, oph_device *image)
{
    oph_image_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_image_read(image, w->cli->timeout, w->pixels, w->room, &info, &err);
    if (rc == OPH_ESTATE && w->follow) return 0; /* the first is to come */
    if (rc) return cli_fail(&err);
    if (!frame_make(&w->frame, w->pixels, info.dtype, info.rank, info.shape))
        return not_a_picture(info.dtype, info.rank, info.shape);
    if (w->region && !frame_crop(&w->frame, w->x, w->y, w->width, w->height))
        return no_such_region(w);
    const struct view_source source = {.prefix = oph_device_prefix(image),
                                       .number = -1,
                                       .count = -1,
                                       .unique_id = info.unique_id,
                                       .time_ns = time_of(image, info.unique_id)};
    return show(w, &source);
}

/* Waits until something of a new frame is there, and forgets what else has come by then. */
static int wait_for_image(struct work *w, oph_queue *queue)
{
    double patience = isnan(w->cli->timeout) ? OPH_FOREVER : w->cli->timeout;
    oph_error err = OPH_ERROR_INIT;
    for (bool fresh = false; !fresh || patience <= 0;) {
        oph_event *event = NULL;
        int rc = oph_queue_next(queue, patience, &event, &err);
        if (rc == OPH_ETIMEOUT && fresh) return 0;
        if (rc == OPH_EINTR) return CLI_INTERRUPTED;
        if (rc) return cli_fail(&err);
        if (oph_event_kind(event) == OPH_EVENT_DISCONNECTED)
            cli_say("%s is gone; its next frame is waited for",
                    oph_signal_readback_pv(oph_event_signal(event)));
        if (oph_event_kind(event) == OPH_EVENT_VALUE) {
            fresh = true;
            patience = 0;
        }
        oph_event_free(event);
    }
    return 0;
}

/* The number alone does not change where each acquisition begins with the same. */
static int follow_image(struct work *w, oph_device *image)
{
    static const char *const paths[2] = {"unique_id", "time_stamp"};
    const oph_subscribe_options options = {.size = sizeof options, .delivery = OPH_DELIVER_NEWEST};
    oph_subscription *subs[2] = {NULL};
    oph_queue *queue = NULL;
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_queue_new(w->cli->ctx, &queue, &err);
    for (int i = 0; !rc && i < 2; i++) {
        rc = oph_signal_find(image, paths[i], &sig, &err);
        if (!rc) rc = oph_subscribe_queue(sig, &options, queue, NULL, &subs[i], &err);
    }
    if (rc) rc = cli_fail(&err);
    screen(w, true);
    while (!rc && !enough(w)) {
        rc = wait_for_image(w, queue);
        if (!rc) rc = show_image(w, image);
    }
    screen(w, false);
    for (int i = 0; i < 2; i++)
        oph_subscription_free(subs[i]);
    oph_queue_free(queue);
    return !rc && cli_interrupted() ? CLI_INTERRUPTED : rc;
}

static int view_live(struct work *w, const char *prefix)
{
    oph_device *image = NULL;
    if (cli_option(w->cli, "--frame") || cli_option(w->cli, "--dataset"))
        return cli_usage("--frame and --dataset are for a file; there is no file %s", prefix);
    int rc = choose_image(w, prefix, &image);
    if (!rc) rc = make_image_room(w, image);
    if (!rc) rc = w->follow ? follow_image(w, image) : show_image(w, image);
    return rc;
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
    struct work w = {.cli = cli};
    (void)argc;
    int rc = read_options(&w);
    w.view.again = w.follow && cli->terminal && !cli->json && !w.view.png;
    if (!rc) rc = is_file(argv[0]) ? view_file(&w, argv[0]) : view_live(&w, argv[0]);
    free(w.pixels);
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
