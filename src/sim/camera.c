#include "sim/camera.h"

#include <string.h>

#include <cantProceed.h>
#include <epicsThread.h>

#include "sim/camera_state.h"
#include "sim/camserver.h"
#include "sim/control.h"
#include "sim/fault.h"

/* Measured: a setting of the exposure takes 10 to 56 ms, most often 10 to 30. The one chosen is
 * within a factor of two, or 20 ms, of each. */
static const double SETTINGS_SECONDS = 0.028;
static const double COMMAND_SECONDS = 0.01;
static const double STOP_SECONDS = 2.0;

static void pause_for(struct sim_camera *c, double seconds)
{
    if (!c->options->instant && sim_port_is_live(c->port)) epicsThreadSleep(seconds);
}

void sim_camserver(struct sim_camera *c, const char *command)
{
    pause_for(c, COMMAND_SECONDS);
    sim_set_text(c->to_server, command);
    sim_set_text(c->from_server, "15 OK");
    sim_set_text(c->message, "Camserver returned OK");
}

static void write_acquire(struct sim_camera *c)
{
    bool on = sim_get_int(c->completion.acquire) != 0;
    int state = sim_get_int(c->state);
    bool ready = state == SIM_IDLE || state == SIM_ERROR || state == SIM_ABORTED;
    if (on && ready) {
        sim_set_text(c->message, "Acquiring data");
        sim_set_int(c->state, SIM_ACQUIRING);
        sim_trigger_clear_stop(&c->trigger); /* left from a stop that came too late */
    } else if (!on && state == SIM_ACQUIRING) {
        sim_set_text(c->message, "Acquisition aborted");
        sim_set_int(c->state, SIM_ABORTED);
    }
    if (on && !ready) c->somebody = 0; /* they come too late */
    sim_publish(c->port);
    sim_completion_set(&c->completion, on);
    if (on && ready) {
        double abort = sim_fault_value(SIM_FAULT_ABORT_AFTER);
        if (abort > 0) callbackRequestDelayed(&c->abort, abort);
        epicsEventSignal(c->start);
    } else if (!on && state == SIM_ACQUIRING) {
        callbackCancelDelayed(&c->abort);
        sim_trigger_stop(&c->trigger);
        sim_camserver(c, "K");
        pause_for(c, STOP_SECONDS);
        sim_set_text(c->message, "Acquisition aborted");
    }
}

/* As the driver does: what makes no sense is replaced, and only the readback tells. Each setting
 * sends all of them, and asks for the count rate's cutoff. */
static void write_acquire_params(struct sim_camera *c)
{
    int gap_fill = sim_get_int(c->gap_fill);
    if (sim_get_int(c->trigger_mode) == SIM_ALIGNMENT) sim_set_int(c->num_images, 1);
    if (sim_get_int(c->num_images) < 1) sim_set_int(c->num_images, 1);
    if (sim_get_int(c->num_exposures) < 1) sim_set_int(c->num_exposures, 1);
    if (sim_get_double(c->acquire_time) < 0) sim_set_double(c->acquire_time, 1.0);
    if (sim_get_double(c->acquire_period) < 0) sim_set_double(c->acquire_period, 2.0);
    if (sim_get_double(c->delay_time) < 0) sim_set_double(c->delay_time, 0.0);
    if (gap_fill < -2 || gap_fill > 0) sim_set_int(c->gap_fill, -2);
    pause_for(c, SETTINGS_SECONDS - COMMAND_SECONDS);
    sim_camserver(c, "Tau");
}

static void apply_threshold(struct sim_camera *c)
{
    double seconds = sim_fault_value(SIM_FAULT_THRESHOLD_TIME);
    int before = sim_get_int(c->state);
    c->applied_threshold = c->demanded_threshold;
    c->applied_energy = c->demanded_energy;
    sim_set_int(c->state, SIM_WAITING);
    sim_set_text(c->message, "Setting threshold");
    sim_publish(c->port);
    if (seconds > 0 && sim_port_is_live(c->port)) epicsThreadSleep(seconds);
    sim_set_double(c->threshold, c->applied_threshold);
    sim_set_double(c->energy, c->applied_energy);
    sim_set_int(c->state, before == SIM_ACQUIRING ? SIM_ACQUIRING : SIM_IDLE);
    sim_camserver(c, "SetThreshold");
}

static void write_threshold(struct sim_camera *c, const struct sim_param *param)
{
    if (param == c->threshold) c->demanded_threshold = sim_get_double(param);
    if (param == c->energy) c->demanded_energy = sim_get_double(param);
    if (sim_get_int(c->threshold_auto)) {
        apply_threshold(c);
        return;
    }
    sim_set_double(c->threshold, c->applied_threshold);
    sim_set_double(c->energy, c->applied_energy);
}

/* Parameters that camserver is told in its mxsettings. */
static bool is_mx_setting(const char *name)
{
    static const char *const names[] = {
        "WAVELENGTH",   "ENERGY_LOW", "ENERGY_HIGH",   "DET_DIST",    "DET_VOFFSET", "BEAM_X",
        "BEAM_Y",       "FLUX",       "FILTER_TRANSM", "START_ANGLE", "ANGLE_INCR",  "DET_2THETA",
        "POLARIZATION", "ALPHA",      "KAPPA",         "PHI",         "PHI_INCR",    "CHI",
        "CHI_INCR",     "OMEGA",      "OMEGA_INCR",    "OSCILL_AXIS", "NUM_OSCILL"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static void written(void *owner, struct sim_param *param)
{
    struct sim_camera *c = owner;
    if (param == c->completion.acquire) {
        write_acquire(c);
    } else if (param == c->num_images || param == c->num_exposures || param == c->trigger_mode ||
               param == c->gap_fill || param == c->acquire_time || param == c->acquire_period ||
               param == c->delay_time) {
        write_acquire_params(c);
    } else if (param == c->threshold || param == c->energy || param == c->gain) {
        write_threshold(c, param);
    } else if (param == c->threshold_apply) {
        apply_threshold(c);
        sim_set_int(param, 0);
    } else if (param == c->reset_power || param == c->pre_alloc) {
        sim_set_int(param, 0);
    } else if (param == c->files.path) {
        sim_files_written(&c->files, param);
        sim_camserver(c, "imgpath");
    } else if (is_mx_setting(sim_param_name(param))) {
        sim_camserver(c, "mxsettings");
    }
}

static void find_params(struct sim_camera *c)
{
    const struct {
        struct sim_param **param;
        const char *name;
        enum sim_type type;
    } params[] = {
        {&c->state, "STATUS", SIM_INT},
        {&c->message, "STATUS_MESSAGE", SIM_TEXT},
        {&c->to_server, "STRING_TO_SERVER", SIM_TEXT},
        {&c->from_server, "STRING_FROM_SERVER", SIM_TEXT},
        {&c->acquire_time, "ACQ_TIME", SIM_DOUBLE},
        {&c->acquire_period, "ACQ_PERIOD", SIM_DOUBLE},
        {&c->num_images, "NIMAGES", SIM_INT},
        {&c->num_exposures, "NEXPOSURES", SIM_INT},
        {&c->trigger_mode, "TRIGGER_MODE", SIM_INT},
        {&c->delay_time, "DELAY_TIME", SIM_DOUBLE},
        {&c->image_timeout, "IMAGE_FILE_TMOT", SIM_DOUBLE},
        {&c->array_callbacks, "ARRAY_CALLBACKS", SIM_INT},
        {&c->armed, "ARMED", SIM_INT},
        {&c->gap_fill, "GAP_FILL", SIM_INT},
        {&c->threshold, "THRESHOLD", SIM_DOUBLE},
        {&c->energy, "ENERGY", SIM_DOUBLE},
        {&c->threshold_apply, "THRESHOLD_APPLY", SIM_INT},
        {&c->threshold_auto, "THRESHOLD_AUTO_APPLY", SIM_INT},
        {&c->gain, "GAIN", SIM_DOUBLE},
        {&c->reset_power, "RESET_POWER", SIM_INT},
        {&c->pre_alloc, "POOL_PRE_ALLOC_BUFFERS", SIM_INT},
    };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        *params[i].param = sim_port_param(c->port, params[i].name, params[i].type);
}

static void on_abort(epicsCallback *callback)
{
    (void)callback;
    sim_control_put("cam1:Acquire", 0);
}

static void on_expose(epicsCallback *callback)
{
    struct sim_camera *c = NULL;
    callbackGetUser(c, callback);
    sim_port_lock(c->port);
    bool on = c->somebody > 0;
    sim_port_unlock(c->port);
    sim_control_put("cam1:Acquire", on);
}

static void somebody_changed(void *user)
{
    struct sim_camera *c = user;
    sim_port_lock(c->port);
    c->somebody = sim_fault_value(SIM_FAULT_SOMEBODY_ELSE);
    sim_port_unlock(c->port);
    callbackRequest(&c->expose);
}

static void prepare_somebody(struct sim_camera *c)
{
    callbackSetCallback(on_abort, &c->abort);
    callbackSetCallback(on_expose, &c->expose);
    callbackSetUser(c, &c->abort);
    callbackSetUser(c, &c->expose);
    callbackSetPriority(priorityMedium, &c->abort);
    callbackSetPriority(priorityMedium, &c->expose);
    sim_fault_on(SIM_FAULT_SOMEBODY_ELSE, somebody_changed, c);
}

void sim_camera_new(const char *port_name, const struct sim_options *options)
{
    struct sim_camera *c = callocMustSucceed(1, sizeof *c, "sim_camera_new");
    pthread_t thread;
    c->options = options;
    c->start = epicsEventMustCreate(epicsEventEmpty);
    sim_trigger_init(&c->trigger);
    sim_control_trigger(&c->trigger);
    prepare_somebody(c);
    c->port = sim_port_new(port_name, written, c);
    sim_files_init(&c->files, c->port);
    find_params(c);
    sim_frame_params_init(&c->frame, c->port);
    sim_completion_init(&c->completion, c->port);
    sim_source_init(&c->source, port_name, sim_completion_queued, &c->completion);
    sim_set_text(sim_port_param(c->port, "PORT_NAME_SELF", SIM_TEXT), port_name);
    sim_set_int(sim_port_param(c->port, "MAX_SIZE_X", SIM_INT), options->cols);
    sim_set_int(sim_port_param(c->port, "MAX_SIZE_Y", SIM_INT), options->rows);
    sim_set_int(c->frame.size_x, options->cols);
    sim_set_int(c->frame.size_y, options->rows);
    if (pthread_create(&thread, NULL, sim_camera_acquire, c) != 0)
        cantProceed("no thread for port %s\n", port_name);
    pthread_detach(thread);
}
