/* The newest image of an image plugin, over Channel Access: once, or each. */
#include "cli/view.h"

/* A Pilatus tells at which count a pixel saturates. */
static void ask_for_saturation(struct view *view, oph_device *det)
{
    oph_device *cam = NULL;
    double counts = 0;
    if (isnan(view->saturation) && oph_device_child(det, "cam", &cam, NULL) == 0 &&
        oph_device_is(cam, "PilatusDetectorCam") &&
        oph_get_double(cam, "pixel_cut_off", &counts, NULL) == 0 && counts > 0)
        view->saturation = counts;
}

/* Why there may be no image, or no new one. */
static void say_when_disabled(const struct view *view, oph_device *image)
{
    int64_t enabled = 1;
    if (oph_get_int(image, "enable", &enabled, NULL) == 0 && !enabled)
        cli_say("%s is disabled: cophyd put %s %s.enable=1", oph_device_path(image),
                oph_device_prefix(view->cli->det), oph_device_attr(image));
}

static int choose_image(struct view *view, const char *prefix, oph_device **ret)
{
    const char *path = cli_option(view->cli, "--image");
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = cli_device(view->cli, prefix, &det);
    if (rc) return rc;
    if (path && oph_device_child(det, path, ret, &err)) return cli_fail(&err);
    if (!path) *ret = cli_first(det, "ImagePlugin");
    if (!*ret || !oph_device_is(*ret, "ImagePlugin"))
        return cli_usage("%s: wanted an image plugin, found none", path ? path : prefix);
    ask_for_saturation(view, det);
    return 0;
}

/* Room for the largest image that the record can hold. */
static int make_image_room(struct view *view, oph_device *image)
{
    oph_properties properties = {.size = sizeof properties};
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_signal_find(image, "array_data", &sig, &err);
    if (!rc)
        rc = oph_signal_properties(sig, OPH_PART_READBACK, view->cli->timeout, &properties, &err);
    if (rc) return cli_fail(&err);
    return view_make_room(view,
                          (int64_t)properties.count * (int64_t)oph_dtype_size(properties.dtype));
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

static int show_image(struct view *view, oph_device *image)
{
    oph_image_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_image_read(image, view->cli->timeout, view->pixels, view->room, &info, &err);
    if (rc == OPH_ESTATE && view->follow) return 0; /* the first is to come */
    if (rc) {
        rc = cli_fail(&err);
        if (err.code == OPH_ESTATE) say_when_disabled(view, image);
        return rc;
    }
    if (!frame_make(&view->frame, view->pixels, info.dtype, info.rank, info.shape))
        return view_not_a_picture(info.dtype, info.rank, info.shape);
    if (view->region && !frame_crop(&view->frame, view->x, view->y, view->width, view->height))
        return view_no_such_region(view);
    const struct view_source source = {.prefix = oph_device_prefix(image),
                                       .number = -1,
                                       .count = -1,
                                       .unique_id = info.unique_id,
                                       .time_ns = time_of(image, info.unique_id)};
    return view_show(view, &source);
}

/* Waits until something of a new frame is there, and forgets what else has come by then. */
static int wait_for_image(struct view *view, oph_queue *queue)
{
    double patience = isnan(view->cli->timeout) ? OPH_FOREVER : view->cli->timeout;
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
static int follow_image(struct view *view, oph_device *image)
{
    static const char *const paths[2] = {"unique_id", "time_stamp"};
    const oph_subscribe_options options = {.size = sizeof options, .delivery = OPH_DELIVER_NEWEST};
    oph_subscription *subs[2] = {NULL};
    oph_queue *queue = NULL;
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_queue_new(view->cli->ctx, &queue, &err);
    for (int i = 0; !rc && i < 2; i++) {
        rc = oph_signal_find(image, paths[i], &sig, &err);
        if (!rc) rc = oph_subscribe_queue(sig, &options, queue, NULL, &subs[i], &err);
    }
    if (rc) rc = cli_fail(&err);
    if (!rc) say_when_disabled(view, image);
    view_screen(view, true);
    while (!rc && !view_enough(view)) {
        rc = wait_for_image(view, queue);
        if (!rc) rc = show_image(view, image);
    }
    view_screen(view, false);
    for (int i = 0; i < 2; i++)
        oph_subscription_free(subs[i]);
    oph_queue_free(queue);
    return !rc && cli_interrupted() ? CLI_INTERRUPTED : rc;
}

int view_live(struct view *view, const char *prefix)
{
    oph_device *image = NULL;
    if (cli_option(view->cli, "--frame") || cli_option(view->cli, "--dataset"))
        return cli_usage("--frame and --dataset are for a file; there is no file %s", prefix);
    int rc = choose_image(view, prefix, &image);
    if (!rc) rc = make_image_room(view, image);
    if (!rc) rc = view->follow ? follow_image(view, image) : show_image(view, image);
    return rc;
}
