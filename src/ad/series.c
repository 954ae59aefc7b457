#include "ad/series.h"
#include "ad/run.h"
#include "base/err.h"
#include "base/str.h"
#include "core/journal.h"
#include <math.h>
#include <string.h>

static const double READOUT_PILATUS3 = 0.00095, READOUT_PILATUS2 = 0.00228; /* seconds */
static const double ROUNDING = 1e-9; /* of a sum of times in decimal, seconds */

static int refuse(const oph_device *dev, int code, const char *wanted, const char *found,
                  oph_error *err)
{
    return oph__fail(err, code, (struct oph__at){.device = dev->path}, wanted, "%s", found);
}

static int refuse_number(const oph_device *dev, int code, const char *wanted, double number,
                         oph_error *err)
{
    char found[32];
    oph__from_double(found, sizeof found, number);
    return refuse(dev, code, wanted, found, err);
}

/* A detector that waits by itself for each pulse takes all of them in one acquisition. */
static bool takes_all(const oph_series *s)
{
    return s->mode != OPH_SERIES_INTERNAL && s->frames == 1;
}

static int64_t images_of(const oph_series *s)
{
    return takes_all(s) ? s->triggers : s->frames;
}

static const char *trigger_mode(const oph_series *s)
{
    if (s->mode == OPH_SERIES_INTERNAL) return "Internal";
    if (s->mode == OPH_SERIES_GATE) return "Ext. Enable";
    return images_of(s) == s->frames ? "Ext. Trigger" : "Mult. Trigger";
}

/* Numbers */

static int check_numbers(const oph_device *dev, oph_series *s, oph_error *err)
{
    if (s->mode != OPH_SERIES_INTERNAL && s->mode != OPH_SERIES_EDGE && s->mode != OPH_SERIES_GATE)
        return refuse_number(dev, OPH_EINVAL,
                             "OPH_SERIES_INTERNAL, OPH_SERIES_EDGE or OPH_SERIES_GATE", s->mode,
                             err);
    if (s->frames < 0 || s->triggers < 0)
        return refuse(dev, OPH_EINVAL, "numbers of frames and triggers", "one below 0", err);
    if (!s->frames) s->frames = 1;
    if (!s->triggers) s->triggers = 1;
    if (s->mode == OPH_SERIES_GATE && s->frames != 1)
        return refuse_number(dev, OPH_EINVAL, "1 frame for each gate", (double)s->frames, err);
    if (images_of(s) > INT32_MAX || s->frames > INT64_MAX / s->triggers)
        return refuse_number(dev, OPH_ERANGE, "at most 2147483647 frames for each kickoff",
                             (double)images_of(s), err);
    return 0;
}

static int find_readout(oph_device *dev, const oph_device *cam, double *ret, oph_error *err)
{
    char model[64] = "";
    if (!oph_device_is(cam, "PilatusDetectorCam")) return 0;
    int rc = oph_get_text(dev, "cam.model", model, sizeof model, err);
    if (rc) return rc;
    for (char *c = model; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    bool third = strstr(model, "pilatus3") || strstr(model, "pilatus 3");
    *ret = third ? READOUT_PILATUS3 : READOUT_PILATUS2;
    return 0;
}

/* The IOC takes a period that the detector cannot keep, and makes no other of it. */
static int check_times(oph_device *dev, const oph_device *cam, oph_series *s, oph_error *err)
{
    char wanted[128], least[32];
    if (!(s->exposure > 0) || isinf(s->exposure))
        return refuse_number(dev, OPH_EINVAL, "an exposure above 0 s", s->exposure, err);
    if (!(s->readout >= 0) || isinf(s->readout))
        return refuse_number(dev, OPH_EINVAL, "a readout of 0 s or more", s->readout, err);
    int rc = s->readout == 0 ? find_readout(dev, cam, &s->readout, err) : 0;
    if (rc) return rc;
    if (s->period == 0) s->period = s->exposure + s->readout;
    if (s->period >= s->exposure + s->readout - ROUNDING && !isinf(s->period)) return 0;
    oph__from_double(least, sizeof least, s->exposure + s->readout);
    oph__format(wanted, sizeof wanted, "a period of at least %s s: exposure and readout", least);
    return refuse_number(dev, OPH_EINVAL, wanted, s->period, err);
}

/* A capture that ends by itself would lose what comes after. */
static int check_room(const struct oph__shot *shot, const oph_series *s, oph_error *err)
{
    for (size_t w = 0; w < shot->writer_count; w++) {
        const struct oph__shot_writer *writer = &shot->writers[w];
        oph_signal *sig;
        int64_t room, captured = 0;
        char wanted[64], taken[32] = "";
        if (writer->writing != OPH__WRITES_STREAM) continue; /* a file a frame needs no room */
        int rc = oph_signal_find(writer->dev, "num_capture", &sig, err);
        if (!rc) rc = oph_signal_get_int(sig, &room, err);
        if (!rc && !oph__store_is_fresh(writer->dev))
            rc = oph_signal_get_int(writer->rows[OPH__W_CAPTURED], &captured, err);
        if (rc) return rc;
        if (room == 0 || room - captured >= s->frames * s->triggers) continue;
        oph__format(wanted, sizeof wanted, "0, or at least the series' %lld frames",
                    (long long)(s->frames * s->triggers));
        if (captured)
            oph__format(taken, sizeof taken, ", of which %lld are taken", (long long)captured);
        return oph__fail(err, OPH_EINVAL, oph__pv_at(sig->read), wanted, "%lld%s", (long long)room,
                         taken);
    }
    return 0;
}

/* Settings */

struct setting {
    const char *path;
    struct oph__literal value;
    char text[32];
};

static void set_int(struct setting *set, const char *path, int64_t value)
{
    set->path = path;
    oph__format(set->text, sizeof set->text, "%lld", (long long)value);
    set->value = (struct oph__literal){.kind = OPH__LIT_INT, .i = value, .text = set->text};
}

static void set_double(struct setting *set, const char *path, double value)
{
    set->path = path;
    oph__from_double(set->text, sizeof set->text, value);
    set->value = (struct oph__literal){.kind = OPH__LIT_FLOAT, .f = value, .text = set->text};
}

static void set_text(struct setting *set, const char *path, const char *value)
{
    set->path = path;
    oph__copy(set->text, sizeof set->text, value);
    set->value = (struct oph__literal){.kind = OPH__LIT_TEXT, .text = set->text};
}

enum { MOST_SETTINGS = 5 };

/* A Pilatus takes NumImages whatever ImageMode says. */
static size_t choose(const struct oph__shot *shot, const oph_series *s, struct setting *sets)
{
    size_t n = 0;
    if (shot->cam_rows[OPH__CAM_TRIGGER]) set_text(&sets[n++], "cam.trigger_mode", trigger_mode(s));
    if (!oph_device_is(shot->cam, "PilatusDetectorCam"))
        set_text(&sets[n++], "cam.image_mode", "Multiple");
    set_int(&sets[n++], "cam.num_images", images_of(s));
    set_double(&sets[n++], "cam.acquire_time", s->exposure);
    set_double(&sets[n++], "cam.acquire_period", s->period);
    return n;
}

/* All are encoded, and known as ours, before the first is put. */
static int write_all(oph_device *dev, struct setting *sets, size_t count, oph_error *err)
{
    oph_signal *sigs[MOST_SETTINGS];
    struct oph__settings_write *w = oph__settings_write_new(count, err);
    int rc = w ? 0 : OPH_ENOMEM;
    for (size_t i = 0; !rc && i < count; i++) {
        rc = oph_signal_find(dev, sets[i].path, &sigs[i], err);
        if (!rc) rc = oph__settings_write_add(w, sigs[i], &sets[i].value, err);
    }
    for (size_t i = 0; !rc && i < count; i++)
        rc = oph__plan_claim(dev->tree->plan, sigs[i], &sets[i].value, err);
    if (!rc) rc = oph__journal_renew(dev->tree->plan, err);
    if (!rc) rc = oph__write_all(dev->ctx, w->at, w->count, true, err);
    oph__settings_write_free(w);
    return rc;
}

static int check_armed(oph_device *dev, const oph_series *s, oph_error *err)
{
    oph_signal *armed;
    if (s->mode == OPH_SERIES_INTERNAL) return 0;
    int rc = oph_signal_find(dev, "cam.armed", &armed, err);
    if (rc || oph__pv_is_up(armed->read)) return rc;
    return oph__fail(err, OPH_EDISCONN, oph__pv_at(armed->read),
                     "a connection, to see when pulses may come", "the PV is not connected");
}

/* Its settings would change under an acquisition. */
static int check_idle(const struct oph__shot *shot, oph_error *err)
{
    oph_signal *sig = shot->cam_rows[OPH__CAM_ACQUIRE];
    int64_t runs = 0;
    int rc = oph_signal_get_int(sig, &runs, err);
    if (rc || !runs) return rc;
    return oph__fail(err, OPH_ESTATE, oph__pv_at(sig->read), "an idle camera to prepare a series",
                     "an acquisition that runs");
}

int oph__series_prepare(oph_device *dev, oph_series *want, int64_t *ret_kickoffs, oph_error *err)
{
    struct oph__shot shot;
    struct setting sets[MOST_SETTINGS];
    int rc = oph__shot_init(&shot, dev, false, err);
    if (rc) return rc;
    rc = check_numbers(dev, want, err);
    if (!rc) rc = check_times(dev, shot.cam, want, err);
    if (!rc) rc = check_armed(dev, want, err);
    if (!rc) rc = check_room(&shot, want, err);
    if (!rc) rc = check_idle(&shot, err);
    if (!rc) rc = write_all(dev, sets, choose(&shot, want, sets), err);
    oph__shot_clear(&shot);
    if (!rc) *ret_kickoffs = takes_all(want) ? 1 : want->triggers;
    return rc;
}

/* The number of the label that was put. */
static int find_trigger(oph_device *dev, const oph_series *s, struct oph__prepared *ret,
                        oph_error *err)
{
    const struct oph__literal mode = {.kind = OPH__LIT_TEXT, .text = trigger_mode(s)};
    struct oph__wire wire = {.count = 0};
    struct oph__chan_info info;
    oph_signal *sig;
    if (oph_signal_find(dev, "cam.trigger_mode", &sig, NULL) || !oph__pv_info(sig->set, &info))
        return 0;
    const struct oph__target target = oph__signal_target(sig, &info);
    int rc = oph__encode(&mode, &target, &wire, err);
    const oph_value value = oph__wire_value(&wire);
    if (!rc && oph__value_double(&value, &ret->trigger_is)) ret->trigger = mode.text;
    oph__wire_clear(&wire);
    return rc;
}

int oph__series_kickoff(oph_device *dev, oph_status *status, oph_status *begun, oph_error *err)
{
    const struct oph__series *series = &dev->tree->series;
    const oph_series *s = &series->want;
    struct oph__course course = {.count = 1, .prepared = {.images = images_of(s)}, .begun = begun};
    oph_progress former = {.size = sizeof former}; /* a kickoff that failed wrote fewer */
    if (series->status && !oph_status_progress(series->status, &former, NULL) && former.current > 0)
        course.before = (int64_t)former.current;
    const char *shows = s->mode == OPH_SERIES_INTERNAL ? "cam.acquire" : "cam.armed";
    int rc = oph_signal_find(dev, shows, &course.shows_start, err);
    if (!rc) rc = find_trigger(dev, s, &course.prepared, err);
    return rc ? rc : oph__run_start(dev, status, &course, err);
}
