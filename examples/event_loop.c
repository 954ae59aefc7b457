/* Wait for an acquisition in a loop that waits for other things too, and give up after a while.
 *
 *     event_loop [PREFIX [SECONDS]] */
#include <cophyd/cophyd.h>
#include <poll.h>
#include <stdlib.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "stage cam num_images=1 acquire_time=1 acquire_period=1.005\n";

static void show(oph_status *st)
{
    char text[160];
    puts(oph_status_text(st, text, sizeof text));
}

static int wait_in_loop(oph_status *st, double seconds, oph_error *err)
{
    struct pollfd fd = {.events = POLLIN};
    int rc = oph_status_fd(st, &fd.fd, err);
    if (rc) return rc;
    if (poll(&fd, 1, (int)(1e3 * seconds)) == 0) {
        oph_status_cancel(st, NULL); /* stops the camera */
        poll(&fd, 1, -1);            /* a cancelled status always ends */
    }
    return oph_status_error(st, err);
}

static int acquire(oph_device *det, double seconds, oph_error *err)
{
    oph_status *st;
    int rc = oph_stage(det, NULL, err);
    if (rc) return rc;
    rc = oph_trigger(det, &st, err);
    if (!rc) {
        show(st);
        rc = wait_in_loop(st, seconds, err);
        show(st);
        oph_status_unref(st);
    }
    int unstaged = oph_unstage(det, NULL, rc ? NULL : err);
    return rc ? rc : unstaged;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 30;
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "event_loop.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = acquire(det, seconds, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
