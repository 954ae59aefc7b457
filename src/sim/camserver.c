#include "sim/camserver.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/clock.h"
#include "sim/tiff.h"

static const double READOUT = 0.00095; /* of a Pilatus3 */

/* Names of a series, as camserver makes them and ADPilatus foretells them
 * (pilatusDetector::makeMultipleFileFormat): at least three digits behind the last "_" are the
 * first number and the number's width; without them "_" and five digits from 0 on. */
static void split_name(struct sim_exposure *e)
{
    snprintf(e->head, sizeof e->head, "%s", e->name);
    size_t length = strlen(e->head);
    char *dot = strrchr(e->head + (length > 5 ? length - 5 : 0), '.');
    snprintf(e->extension, sizeof e->extension, "%s", dot ? dot : "");
    if (dot) *dot = '\0';
    e->first = 0;
    e->digits = 5;
    char *base = strrchr(e->head, '/'), *last = strrchr(base ? base : e->head, '_');
    char *number = last ? last + 1 : NULL;
    size_t digits = number ? strspn(number, "0123456789") : 0;
    if (digits >= 3) {
        e->first = (int)strtol(number, NULL, 10);
        int narrow = (digits == 3 && e->images > 999) || (digits == 4 && e->images > 9999);
        e->digits = narrow ? 5 : (int)digits;
        *number = '\0';
    } else if (!number || *number) {
        strncat(e->head, "_", sizeof e->head - strlen(e->head) - 1);
    }
}

int sim_camserver_start(struct sim_exposure *e)
{
    char folder[SIM_PATH_SIZE];
    snprintf(folder, sizeof folder, "%s", e->name);
    char *slash = strrchr(folder, '/');
    if (!slash || !slash[1]) return -1;
    slash[1] = '\0';
    if (!sim_path_is_folder(folder)) return -1;
    split_name(e);
    e->gates = 0;
    e->start = e->ready = sim_now();
    return 0;
}

void sim_camserver_name(const struct sim_exposure *e, int i, char *ret, size_t size)
{
    if (e->images == 1)
        snprintf(ret, size, "%s", e->name);
    else
        snprintf(ret, size, "%s%.*d%s", e->head, e->digits, e->first + i, e->extension);
}

/* When image i of a series that runs by itself has been written. */
static double end_of(const struct sim_exposure *e, int i)
{
    double exposure = e->exposures * e->time;
    return e->start + exposure + i * fmax(e->period * e->exposures, exposure + READOUT);
}

static enum sim_woken sleep_until(struct sim_trigger *t, double end, double then)
{
    if (end <= then) return sim_trigger_sleep(t, end) == SIM_STOPPED ? SIM_STOPPED : SIM_HAPPENED;
    return sim_trigger_sleep(t, then);
}

static enum sim_woken wait_pulses(struct sim_exposure *e, struct sim_trigger *t, double then)
{
    for (int k = 0; k < e->exposures; k++) {
        double pulse;
        enum sim_woken woken = sim_trigger_wait_pulse(t, e->ready, then, &pulse);
        if (woken != SIM_HAPPENED) return woken;
        e->ready = pulse + e->delay + e->time + READOUT;
    }
    return sleep_until(t, e->ready, then);
}

static enum sim_woken wait_gates(struct sim_exposure *e, struct sim_trigger *t, double then)
{
    enum sim_woken woken = SIM_HAPPENED;
    for (int k = 0; k < e->exposures && woken == SIM_HAPPENED; k++) {
        woken = sim_trigger_wait_gate(t, e->gates, false, then);
        if (woken == SIM_HAPPENED) woken = sim_trigger_wait_gate(t, e->gates, true, then);
        if (woken == SIM_HAPPENED) e->gates++;
    }
    return woken;
}

enum sim_woken sim_camserver_wait(struct sim_exposure *e, struct sim_trigger *t, int i, double then)
{
    if (e->mode == SIM_MULT_TRIGGER) return wait_pulses(e, t, then);
    if (e->mode == SIM_EXT_ENABLE) return wait_gates(e, t, then);
    if (e->mode == SIM_EXT_TRIGGER && i == 0) {
        enum sim_woken woken = sim_trigger_wait_pulse(t, e->ready, then, &e->start);
        if (woken != SIM_HAPPENED) return woken;
        e->start += e->delay;
    }
    return sleep_until(t, end_of(e, i), then);
}

/* Of the files that were written the newest stay. Only the acquisition thread writes. */
static void forget_old(const char *real, int keep)
{
    static char(*names)[SIM_PATH_SIZE];
    static int next;
    if (!names) names = calloc((size_t)keep, sizeof *names);
    if (!names) return;
    for (int i = 0; i < keep; i++)
        if (strcmp(names[i], real) == 0) return; /* written again */
    if (names[next][0]) unlink(names[next]);
    snprintf(names[next], sizeof names[0], "%s", real);
    next = (next + 1) % keep;
}

int sim_camserver_write(const struct sim_exposure *e, const char *name,
                        const struct sim_frame *frame, const struct sim_options *options)
{
    char real[SIM_PATH_SIZE], description[160];
    snprintf(description, sizeof description,
             "# Pixel_size 172e-6 m x 172e-6 m\r\n# Exposure_time %.7f s\r\n"
             "# Exposure_period %.7f s\r\n",
             e->time, e->period);
    if (sim_path_real(name, real, sizeof real) != 0 ||
        sim_tiff_write(real, frame->pixels->value, frame->cols, frame->rows, description) != 0)
        return -1;
    if (options->raw_files > 0) forget_old(real, options->raw_files);
    return 0;
}
