/* How far a count is. */
#include "cli/progress.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

double progress_seconds(const struct progress *p)
{
    return p->begun > 0 ? cli_now() - p->begun : 0;
}

/* --- The bar */

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

static void duration(double seconds, char *text, size_t size)
{
    long s = (long)(seconds + 0.5);
    if (s < 60)
        snprintf(text, size, "%ld s", s);
    else if (s < 3600)
        snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* Under the lock. */
static void draw(struct progress *p)
{
    char left[32] = "", words[256], bar[128];
    int64_t frames = p->frames, total = p->points * p->per_point;
    double seconds = progress_seconds(p);
    double fraction =
        total > 0 ? (double)frames / (double)total : (double)p->done / (double)p->points;
    if (fraction > 1) fraction = 1;
    if (fraction > 0 && seconds > 0) {
        char text[24];
        duration(seconds * (1 - fraction) / fraction, text, sizeof text);
        snprintf(left, sizeof left, ", %s left", text);
    }
    int length = snprintf(words, sizeof words, " %lld/%lld points, %lld frames, %.1f a second%s",
                          (long long)p->done, (long long)p->points, (long long)frames,
                          seconds > 0 ? (double)frames / seconds : 0.0, left);
    /* What the terminal shows of Ctrl-C still has its place on the line. */
    int columns = cli_columns() - 4, width = columns - length - 2;
    const char *file = base_name(p->file);
    if (*file && width - (int)strlen(file) - 2 >= 10)
        width -= (int)strlen(file) + 2;
    else
        file = "";
    if (width > 40) width = 40;
    if (width < 0) width = 0;
    int filled = (int)(fraction * width);
    for (int i = 0; i < width; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[width] = 0;
    fprintf(p->out, "\r\033[K[%s%s%s]%.*s%s%s", cli_color(p->cli, CLI_GREEN), bar,
            cli_color(p->cli, CLI_PLAIN), columns > 2 ? columns - 2 : 0, words, *file ? ", " : "",
            file);
    fflush(p->out);
}

/* Draws some times a second, since the time left moves on by itself. */
static void *draw_on(void *user)
{
    struct progress *p = user;
    pthread_mutex_lock(&p->lock);
    while (p->drawing) {
        struct timespec until;
        if (p->begun > 0) draw(p);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 200000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&p->changed, &p->lock, &until);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* --- Frames that the writer has */

static void on_captured(const oph_event *event, void *user)
{
    struct progress *p = user;
    int64_t frames;
    if (oph_event_kind(event) != OPH_EVENT_VALUE) return;
    if (oph_value_get_int(oph_event_value(event), &frames, NULL)) return;
    pthread_mutex_lock(&p->lock);
    if (p->begun > 0 && frames > p->frames) p->frames = frames;
    pthread_mutex_unlock(&p->lock);
}

/* Of a staged detector. */
static int64_t frames_per_point(oph_device *det)
{
    int64_t images = 0;
    char mode[64];
    if (oph_get_int(det, "cam.num_images", &images, NULL)) return 0;
    if (oph_get_text(det, "cam.image_mode", mode, sizeof mode, NULL) == 0 &&
        !strcmp(mode, "Single"))
        return 1;
    return images;
}

/* --- From begin to end */

void progress_begin(struct progress *p)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    p->store = cli_first(p->det, "FileStorePluginBase");
    p->bar = p->bar && !p->cli->json;
    if (!p->bar) return;
    p->drawing = true;
    if (pthread_create(&p->thread, NULL, draw_on, p)) p->drawing = p->bar = false;
}

void progress_staged(struct progress *p)
{
    oph_signal *captured;
    int64_t per_point = p->bar ? frames_per_point(p->det) : 0;
    pthread_mutex_lock(&p->lock);
    p->per_point = per_point;
    p->begun = p->pointed = cli_now();
    pthread_mutex_unlock(&p->lock);
    if (!p->bar || !p->store || oph_signal_find(p->store, "num_captured", &captured, NULL)) return;
    const oph_subscribe_options newest = {.size = sizeof newest, .delivery = OPH_DELIVER_NEWEST};
    oph_subscribe(captured, &newest, on_captured, p, &p->captured, NULL);
}

static void take_file(struct progress *p, oph_files_info *info)
{
    if (!p->store || oph_files_describe(p->store, info, NULL)) return;
    if (oph_file_name(p->store, OPH_SIDE_LOCAL, p->file, sizeof p->file, NULL))
        oph_file_name(p->store, OPH_SIDE_IOC, p->file, sizeof p->file, NULL);
}

void progress_point(struct progress *p)
{
    oph_files_info info = {.size = sizeof info};
    pthread_mutex_lock(&p->lock);
    double time = cli_now(), took = time - p->pointed;
    take_file(p, &info);
    p->done++;
    p->pointed = time;
    if (info.frame_per_point > 0) p->per_point = info.frame_per_point;
    p->frames_at_point += info.frame_per_point;
    if (p->frames < p->frames_at_point) p->frames = p->frames_at_point;
    if (p->bar) pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    if (p->cli->json)
        cli_json(p->cli,
                 json_pack("{s:I, s:I, s:I, s:f, s:o}", "point", (json_int_t)p->done, "points",
                           (json_int_t)p->points, "frames", (json_int_t)info.frame_per_point,
                           "seconds", took, "file", cli_json_text(p->file)));
    else if (!p->bar) {
        fprintf(p->out, "point %lld of %lld: %lld frame%s in %.3f s\n", (long long)p->done,
                (long long)p->points, (long long)info.frame_per_point,
                info.frame_per_point == 1 ? "" : "s", took);
        if (p->out == stdout) cli_flush(p->cli);
    }
}

void progress_end(struct progress *p)
{
    oph_subscription_free(p->captured);
    if (p->bar) {
        pthread_mutex_lock(&p->lock);
        p->drawing = false;
        pthread_cond_signal(&p->changed);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
        fputs("\r\033[K", p->out);
        fflush(p->out);
    }
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
}
