#include "ad/multi_trigger.h"
#include "ad/run.h"
#include "base/err.h"
#include "base/str.h"
#include "core/plan.h"

/* Steps are the names of the words, in the order in which they first stand. */
static const char *step_name(const oph_device *dev, size_t step)
{
    const struct oph__vec *words = &dev->cls->cycle;
    for (size_t i = 0, found = 0; i < words->count; i++) {
        const struct oph__stageword *word = words->at[i];
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            first = !oph__equal(((const struct oph__stageword *)words->at[j])->step, word->step);
        if (first && found++ == step) return word->step;
    }
    return NULL;
}

static size_t step_count(const oph_device *dev)
{
    size_t count = 0;
    while (step_name(dev, count))
        count++;
    return count;
}

/* The next word of a step from *at on, or NULL. */
static const struct oph__stageword *next_word(const oph_device *dev, const char *step, size_t *at)
{
    while (*at < dev->cls->cycle.count) {
        const struct oph__stageword *word = dev->cls->cycle.at[(*at)++];
        if (oph__equal(word->step, step)) return word;
    }
    return NULL;
}

static int settings(oph_device *dev, size_t step, struct oph__settings_write **ret, oph_error *err)
{
    const char *name = step_name(dev, step);
    const struct oph__stageword *word;
    struct oph__settings_write *w = oph__settings_write_new(dev->cls->cycle.count, err);
    int rc = w ? 0 : OPH_ENOMEM;
    for (size_t at = 0; !rc && (word = next_word(dev, name, &at));) {
        oph_signal *sig;
        rc = oph_signal_find(dev, word->key, &sig, err);
        if (!rc) rc = oph__settings_write_add(w, sig, &word->value, err);
    }
    if (rc)
        oph__settings_write_free(w);
    else
        *ret = w;
    return rc;
}

/* What is in place of a number of the look when the step has run. */
static double after(const struct oph__shot *shot, const char *step, int row, double now)
{
    const struct oph__stageword *word;
    for (size_t at = 0; (word = next_word(shot->dev, step, &at));) {
        struct oph__chan_info info;
        struct oph__wire wire = {.count = 0};
        oph_signal *sig;
        double number;
        if (oph_signal_find(shot->dev, word->key, &sig, NULL) || sig != shot->cam_rows[row] ||
            !oph__pv_info(sig->set, &info))
            continue;
        const struct oph__target target = oph__signal_target(sig, &info);
        if (!oph__encode(&word->value, &target, &wire, NULL)) {
            const oph_value value = oph__wire_value(&wire);
            if (oph__value_double(&value, &number)) now = number;
        }
        oph__wire_clear(&wire);
    }
    return now;
}

/* A step that does not say how many images it takes takes as many as the one before. */
static int64_t frames(const struct oph__shot *first)
{
    double images = first->before.number[OPH__CAM_IMAGES];
    double mode = first->before.number[OPH__CAM_MODE];
    int64_t sum = first->frames;
    for (size_t step = 1; step < step_count(first->dev); step++) {
        const char *name = step_name(first->dev, step);
        images = after(first, name, OPH__CAM_IMAGES, images);
        mode = after(first, name, OPH__CAM_MODE, mode);
        double taken = fmax(oph__cam_images(first->cam, images, mode), 0);
        sum += first->frames != first->images ? first->frames : (int64_t)taken;
    }
    return sum;
}

static int no_cycle(const oph_device *dev, oph_error *err)
{
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                     "a cycle (cycle STEP KEY=VALUE ...) for its trigger", "none in class %s",
                     dev->cls->name);
}

static int needs(oph_device *dev, struct oph__needs *list, oph_error *err)
{
    int rc = oph__shot_needs(dev, list, err);
    for (size_t i = 0; !rc && i < dev->cls->cycle.count; i++) {
        const struct oph__stageword *word = dev->cls->cycle.at[i];
        rc = oph__need(list, dev, word->key, true, err);
    }
    return rc;
}

/* Each is staged with its first value, so that its original is saved, and put back. */
static int plan(oph_device *dev, struct oph__plan *plan, oph_error *err)
{
    const struct oph__vec *words = &dev->cls->cycle;
    int rc = words->count ? 0 : no_cycle(dev, err);
    for (size_t i = 0; !rc && i < words->count; i++) {
        const struct oph__stageword *word = words->at[i];
        oph_signal *sig;
        rc = oph_signal_find(dev, word->key, &sig, err);
        if (!rc && oph__signal_is_start(sig))
            rc = oph__fail(err, OPH_EINVAL, oph__pv_at(sig->set), "a setting in a cycle",
                           "what is started and stopped");
        if (!rc && !oph__plan_find(plan, sig->dev, sig->row->attr))
            rc = oph__plan_add(plan, dev, word->key, &word->value, err);
    }
    return rc;
}

static int check(oph_device *dev, struct oph__plan *plan, oph_error *err)
{
    const struct oph__vec *words = &dev->cls->cycle;
    int rc = 0;
    for (size_t i = 0; !rc && i < words->count; i++) {
        const struct oph__stageword *word = words->at[i];
        oph_signal *sig;
        rc = oph_signal_find(dev, word->key, &sig, err);
        if (!rc) rc = oph__plan_claim(plan, sig, &word->value, err);
    }
    return rc;
}

/* A warm-up, for which nothing is staged, takes one plain acquisition. */
static int start(oph_device *dev, oph_status *status, oph_error *err)
{
    const struct oph__course one = {.count = 1};
    const struct oph__course cycle = {
        .count = step_count(dev), .settings = settings, .name = step_name, .frames = frames};
    if (!dev->tree->plan) return oph__run_start(dev, status, &one, err);
    return cycle.count ? oph__run_start(dev, status, &cycle, err) : no_cycle(dev, err);
}

const struct oph__trigger_ops oph__multi_trigger = {
    .name = "multi",
    .needs = needs,
    .plan = plan,
    .check = check,
    .start = start,
    .stop = oph__camera_stop,
};
