/* May this acquisition be started? The rules are areaDetector's and ADPilatus's own: see each. */
#include "ad/shot.h"
#include "base/err.h"
#include "base/str.h"
#include <math.h>

enum { STATE_IDLE = 0, STATE_ERROR = 6, STATE_ABORTED = 10 };
enum { IMAGE_SINGLE = 0, IMAGE_CONTINUOUS = 2 };

static const double READOUT = 0.00228;      /* Pilatus2; the slowest there is, seconds */
static const double FILE_TIMEOUT = 10.0;    /* where the camera has no ImageFileTmot, seconds */
static const double MARGIN = 10.0;          /* for the camera's own commands, seconds */
static const double EXTERNAL_WAIT = 3600.0; /* for pulses that come from outside, seconds */

static int refuse(const oph_signal *sig, int code, const char *wanted, const char *found,
                  oph_error *err)
{
    return oph__fail(err, code, (struct oph__at){.device = sig->path, .pv = sig->read->name},
                     wanted, "%s", found);
}

/* In any other state ADPilatus stores the 1 and never starts. */
static int check_idle(const struct oph__shot *shot, oph_error *err)
{
    const struct oph__look *l = &shot->before;
    if (l->number[OPH__CAM_ACQUIRE] != 0)
        return refuse(shot->cam_rows[OPH__CAM_ACQUIRE], OPH_ESTATE, "Done",
                      "an acquisition that runs already", err);
    if (l->number[OPH__CAM_BUSY] > 0)
        return refuse(shot->cam_rows[OPH__CAM_BUSY], OPH_ESTATE, "Done",
                      "Acquiring: plugins still work on the last one", err);
    double state = l->number[OPH__CAM_STATE];
    if (state != STATE_IDLE && state != STATE_ERROR && state != STATE_ABORTED)
        return refuse(shot->cam_rows[OPH__CAM_STATE], OPH_ESTATE, "Idle, Error or Aborted",
                      l->state, err);
    return 0;
}

/* camserver's images reach the IOC only as files, also when only HDF5 is wanted. */
static int check_cam_files(const struct oph__shot *shot, oph_error *err)
{
    static const int rows[] = {OPH__CAM_PATH, OPH__CAM_NAME, OPH__CAM_TEMPLATE};
    if (!oph_device_is(shot->cam, "PilatusDetectorCam")) return 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const oph_signal *sig = shot->cam_rows[rows[i]];
        if (sig && shot->before.empty[rows[i]])
            return refuse(sig, OPH_EINVAL, "a text: the camera writes each image to a file first",
                          "an empty one", err);
    }
    return 0;
}

/* The chain of ports from the writer to the camera, through the plugins that the device declares.
 */
static bool reaches_camera(const struct oph__shot *shot, const char *source)
{
    char port[64], next[64];
    oph__copy(port, sizeof port, source);
    for (size_t hops = 0; hops <= shot->dev->children.count; hops++) {
        if (oph__equal(port, shot->before.port)) return true;
        bool found = false;
        for (size_t i = 0; i < shot->dev->children.count && !found; i++) {
            oph_device *child = shot->dev->children.at[i];
            char name[64];
            if (child == shot->cam || oph_get_text(child, "port_name", name, sizeof name, NULL))
                continue;
            found = oph__equal(name, port) &&
                    !oph_get_text(child, "nd_array_port", next, sizeof next, NULL);
        }
        if (!found) return false;
        oph__copy(port, sizeof port, next);
    }
    return false;
}

static int check_writer(const struct oph__shot *shot, size_t w, oph_error *err)
{
    const struct oph__shot_writer *writer = &shot->writers[w];
    const struct oph__writer_look *l = &shot->before.writers[w];
    if (l->number[OPH__W_ENABLE] != 1)
        return refuse(writer->rows[OPH__W_ENABLE], OPH_ESTATE, "Enable", "Disable", err);
    int rc = oph__writer_check(shot, w, err);
    if (rc) return rc;
    /* Frames skipped for it are counted nowhere. */
    if (l->number[OPH__W_MIN_TIME] > 0) {
        char found[32];
        oph__from_double(found, sizeof found, l->number[OPH__W_MIN_TIME]);
        return refuse(writer->rows[OPH__W_MIN_TIME], OPH_ESTATE,
                      "0, since the writer would skip frames", found, err);
    }
    if (shot->before.port[0] && !reaches_camera(shot, l->source)) {
        char wanted[128];
        oph__format(wanted, sizeof wanted, "a chain of ports to the camera's %s",
                    shot->before.port);
        return refuse(writer->rows[OPH__W_SOURCE], OPH_ESTATE, wanted, l->source, err);
    }
    return 0;
}

/* ADPilatus takes NumImages whatever ImageMode says (its acquisition task never reads ImageMode);
 * other drivers take one in Single. */
static int count_frames(struct oph__shot *shot, oph_error *err)
{
    const struct oph__look *l = &shot->before;
    bool pilatus = oph_device_is(shot->cam, "PilatusDetectorCam");
    if (!pilatus && l->number[OPH__CAM_MODE] == IMAGE_CONTINUOUS)
        return refuse(shot->cam_rows[OPH__CAM_MODE], OPH_EINVAL, "Single or Multiple",
                      "Continuous, which never ends", err);
    bool one = !pilatus && l->number[OPH__CAM_MODE] == IMAGE_SINGLE;
    double frames = one ? 1 : l->number[OPH__CAM_IMAGES];
    if (!(frames >= 1)) {
        char found[32];
        oph__from_double(found, sizeof found, frames);
        return refuse(shot->cam_rows[OPH__CAM_IMAGES], OPH_EINVAL, "at least 1", found, err);
    }
    shot->frames = (int64_t)frames;
    return 0;
}

static double number_or(double value, double otherwise)
{
    return isfinite(value) && value > 0 ? value : otherwise;
}

static void set_limits(struct oph__shot *shot)
{
    const struct oph__look *l = &shot->before;
    double exposure = number_or(l->number[OPH__CAM_TIME], 0) + READOUT;
    double period = fmax(number_or(l->number[OPH__CAM_PERIOD], 0), exposure);
    double file = number_or(l->number[OPH__CAM_FILE_TIMEOUT], FILE_TIMEOUT);
    shot->limit = (double)shot->frames * period + file + MARGIN;
    if (l->number[OPH__CAM_TRIGGER] > 0) shot->limit += EXTERNAL_WAIT;
    /* When the camera waits for its plugins they have ended with it. */
    shot->stall =
        3 * period + (l->number[OPH__CAM_WAITS] == 1 ? shot->dev->ctx->options.grace : file);
}

int oph__shot_check(struct oph__shot *shot, oph_error *err)
{
    if (shot->before.code) {
        if (err) *err = shot->before.error;
        return shot->before.code;
    }
    int rc = check_idle(shot, err);
    if (!rc) rc = check_cam_files(shot, err);
    if (!rc && shot->writer_count && shot->before.number[OPH__CAM_CALLBACKS] != 1)
        rc = refuse(shot->cam_rows[OPH__CAM_CALLBACKS], OPH_ESTATE, "Enable", "Disable", err);
    for (size_t w = 0; !rc && w < shot->writer_count; w++)
        rc = check_writer(shot, w, err);
    if (!rc) rc = count_frames(shot, err);
    for (size_t w = 0; !rc && w < shot->writer_count; w++)
        rc = oph__writer_room(shot, w, err);
    if (!rc) set_limits(shot);
    return rc;
}
