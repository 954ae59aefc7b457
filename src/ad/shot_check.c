/* May this acquisition be started? The rules are areaDetector's and ADPilatus's own: see each. */
#include "ad/buffer.h"
#include "ad/file_store.h"
#include "base/err.h"
#include "base/str.h"
#include <math.h>

enum { IMAGE_SINGLE = 0, IMAGE_CONTINUOUS = 2 };
enum { PILATUS_ALIGNMENT = 4 }; /* of TriggerMode */

static const double READOUT = 0.00228;      /* Pilatus2; the slowest there is, seconds */
static const double FILE_TIMEOUT = 10.0;    /* where the camera has no ImageFileTmot, seconds */
static const double MARGIN = 10.0;          /* for the camera's own commands, seconds */
static const double EXTERNAL_WAIT = 3600.0; /* for pulses that come from outside, seconds */

static int refuse(const oph_signal *sig, int code, const char *wanted, const char *found,
                  oph_error *err)
{
    return oph__fail(err, code, oph__pv_at(sig->read), wanted, "%s", found);
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
    if (state != OPH__CAM_IS_IDLE && state != OPH__CAM_FAILED && state != OPH__CAM_WAS_ABORTED)
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

/* For where the writer takes its frames from; `found` NULL: for that itself. */
static int refuse_source(const struct oph__shot *shot, size_t w, int code, const char *wanted,
                         const char *found, oph_error *err)
{
    const oph_device *dev = shot->writers[w].dev;
    const struct oph__port *port = oph__port_of(&shot->ports, dev);
    const oph_signal *sig = port ? port->rows[OPH__PORT_SOURCE] : NULL;
    if (!sig)
        return oph__fail(err, code, (struct oph__at){.device = dev->path}, wanted, "%s",
                         found ? found : "no row for its source");
    return refuse(sig, code, wanted, found ? found : port->values[OPH__PORT_SOURCE].text, err);
}

/* A writer takes its frames from the buffer. */
static int check_buffer(const struct oph__shot *shot, size_t w, oph_error *err)
{
    char wanted[128];
    if (oph__chain_passes(&shot->ports, shot->writers[w].dev, shot->buffer)) return 0;
    oph__format(wanted, sizeof wanted, "a chain of ports to the buffer's %s",
                shot->before.buffer.port);
    return refuse_source(shot, w, OPH_ESTATE, wanted, NULL, err);
}

/* How many frames the writer gets can be known only where all between it and the camera passes on
 * one for each: else a wrong number would fail a good acquisition, or pass a bad one. */
static int check_chain(const struct oph__shot *shot, size_t w, oph_error *err)
{
    const struct oph__shot_writer *writer = &shot->writers[w];
    char found[128];
    int rc = oph__chain_check(&shot->ports, writer->dev, shot->cam, err);
    if (!rc && shot->buffer) rc = check_buffer(shot, w, err);
    if (rc) return rc;
    if (oph__store_is_fresh(writer->dev)) oph__chain_warn(&shot->ports, writer->dev);
    const oph_device *changer = oph__chain_changer(&shot->ports, writer->dev);
    if (changer == shot->buffer) return 0;
    if (!changer || atomic_load(&shot->dev->frames) > 0) return 0;
    oph__format(found, sizeof found, "%s on the way, which does not pass on one for each",
                changer->attr);
    return refuse_source(shot, w, OPH_EINVAL,
                         "the number of frames to expect (oph_trigger_set_frames)", found, err);
}

static int check_writer(const struct oph__shot *shot, size_t w, bool chain, oph_error *err)
{
    const struct oph__shot_writer *writer = &shot->writers[w];
    const struct oph__writer_look *l = &shot->before.writers[w];
    if (l->number[OPH__W_ENABLE] != 1)
        return refuse(writer->rows[OPH__W_ENABLE], OPH_ESTATE, "Enable", "Disable", err);
    int rc = oph__writer_check(shot, w, err);
    return rc || !chain ? rc : check_chain(shot, w, err);
}

/* ADPilatus takes NumImages whatever ImageMode says (its acquisition task never reads ImageMode);
 * other drivers take one in Single. */
double oph__cam_images(const oph_device *cam, double num_images, double image_mode)
{
    bool pilatus = oph_device_is(cam, "PilatusDetectorCam");
    if (!pilatus && image_mode == IMAGE_CONTINUOUS) return -1;
    return !pilatus && image_mode == IMAGE_SINGLE ? 1 : num_images;
}

/* In Alignment ADPilatus exposes again and again, whatever NumImages says, until it is stopped. */
static bool never_ends(const struct oph__shot *shot)
{
    return oph_device_is(shot->cam, "PilatusDetectorCam") &&
           shot->before.number[OPH__CAM_TRIGGER] == PILATUS_ALIGNMENT;
}

static int count_frames(struct oph__shot *shot, oph_error *err)
{
    const struct oph__look *l = &shot->before;
    double mode = l->number[OPH__CAM_MODE], images = l->number[OPH__CAM_IMAGES];
    if (oph__cam_images(shot->cam, 1, mode) < 0)
        return refuse(shot->cam_rows[OPH__CAM_MODE], OPH_EINVAL, "Single or Multiple",
                      "Continuous, which never ends", err);
    if (never_ends(shot))
        return refuse(shot->cam_rows[OPH__CAM_TRIGGER], OPH_EINVAL,
                      "Internal, Ext. Enable, Ext. Trigger or Mult. Trigger",
                      "Alignment, which never ends", err);
    double frames = oph__cam_images(shot->cam, images, mode);
    if (!(frames >= 1)) {
        char found[32];
        oph__from_double(found, sizeof found, frames);
        return refuse(shot->cam_rows[OPH__CAM_IMAGES], OPH_EINVAL, "at least 1", found, err);
    }
    int64_t told = atomic_load(&shot->dev->frames);
    shot->images = (int64_t)frames;
    shot->frames = told > 0 ? told : shot->images;
    return 0;
}

static double number_or(double value, double otherwise)
{
    return isfinite(value) && value > 0 ? value : otherwise;
}

/* Of an image: of a Pilatus NumExposures periods, but for the last, which is an exposure alone. */
static double period_of(const struct oph__look *l)
{
    double exposures = number_or(l->number[OPH__CAM_EXPOSURES], 1);
    double exposure = number_or(l->number[OPH__CAM_TIME], 0) + READOUT;
    return exposures * fmax(number_or(l->number[OPH__CAM_PERIOD], 0), exposure);
}

/* The camera's commands come before its first frame. Pulses from outside come when they come. */
static void set_limits(struct oph__shot *shot)
{
    const struct oph__look *l = &shot->before;
    bool outside = l->number[OPH__CAM_TRIGGER] > 0;
    double period = period_of(l);
    double file = number_or(l->number[OPH__CAM_FILE_TIMEOUT], FILE_TIMEOUT);
    shot->stall = outside ? EXTERNAL_WAIT : 3 * period + file;
    shot->begin = file + shot->dev->ctx->options.put_timeout;
    shot->limit = (double)shot->images * period + file + MARGIN + (outside ? EXTERNAL_WAIT : 0);
    if (shot->images > 1) shot->limit = fmin(shot->limit, shot->stall + MARGIN);
    /* When the camera waits for its plugins they have ended with it. */
    bool ended = l->number[OPH__CAM_WAITS] == 1 && !shot->buffer;
    shot->settle = 3 * period + (ended ? shot->dev->ctx->options.grace : file);
    if (shot->buffer && outside) shot->settle = shot->stall; /* for the frames that it lacks */
}

bool oph__shot_is_idle(const struct oph__shot *shot)
{
    const struct oph__look *l = &shot->now;
    if (shot->buffer)
        return l->buffer.number[OPH__B_TRIGGER] == 0 && l->buffer.number[OPH__B_CAPTURE] == 1;
    double state = l->number[OPH__CAM_STATE];
    return l->number[OPH__CAM_ACQUIRE] == 0 && !(l->number[OPH__CAM_BUSY] > 0) &&
           (state == OPH__CAM_IS_IDLE || state == OPH__CAM_FAILED || state == OPH__CAM_WAS_ABORTED);
}

int oph__shot_check(struct oph__shot *shot, bool chain, oph_error *err)
{
    if (shot->before.code) {
        if (err) *err = shot->before.error;
        return shot->before.code;
    }
    bool frames = shot->writer_count || shot->buffer;
    int rc = shot->buffer ? oph__buffer_check(shot, err) : check_idle(shot, err);
    if (!rc) rc = check_cam_files(shot, err);
    if (!rc && frames && shot->before.number[OPH__CAM_CALLBACKS] != 1)
        rc = refuse(shot->cam_rows[OPH__CAM_CALLBACKS], OPH_ESTATE, "Enable", "Disable", err);
    for (size_t w = 0; !rc && w < shot->writer_count; w++)
        rc = check_writer(shot, w, chain, err);
    if (!rc && !shot->buffer) rc = count_frames(shot, err);
    if (!rc) set_limits(shot);
    return rc;
}
