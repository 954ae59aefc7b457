#include "cli/view.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_NOTES = 16, NOTE_SIZE = 512 };

struct notes {
    char text[MOST_NOTES][NOTE_SIZE];
    const char *lines[MOST_NOTES + 1];
    int count, width;
};

struct seen {
    struct frame_stats stats;
    double saturation;
    double percentiles[3];
    struct picture_range range; /* of the frame's own pixels */
};
static const double percents[3] = {1, 50, 99};

static bool look(const struct view *view, const struct frame *frame, struct seen *ret)
{
    ret->saturation = isnan(view->saturation) ? frame_saturation(frame->dtype) : view->saturation;
    frame_stats(frame, ret->saturation, &ret->stats);
    return frame_percentiles(frame, -HUGE_VAL, percents, 3, ret->percentiles) &&
           picture_range(frame, &view->scale, &ret->range);
}

/* --- As a document */

static json_t *json_number(const struct frame *frame, double value)
{
    bool whole = frame->counts && fabs(value) < 9007199254740992.0;
    return whole ? json_integer((json_int_t)value) : cli_json_double(value);
}

static json_t *json_known(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *to_json(const struct view *view, const struct frame *frame,
                       const struct view_source *source, const struct seen *seen)
{
    const struct frame_stats *s = &seen->stats;
    const char *name = source->file ? source->file : source->prefix;
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:[I,I,I], s:s, s:s?}", source->file ? "file" : "prefix",
        cli_json_text(name), "frame", json_known(source->number), "frames",
        json_known(source->count), "unique_id", json_known(source->unique_id), "time",
        cli_json_double(source->time_ns < 0 ? (double)NAN : (double)source->time_ns / 1e9), "shape",
        (json_int_t)frame->height, (json_int_t)frame->width, (json_int_t)frame->colors, "dtype",
        oph_dtype_name(frame->dtype), "filters", source->filters);
    json_t *stats = json_pack(
        "{s:o, s:o, s:o, s:o, s:[o,o], s:{s:o, s:o, s:o}, s:I, s:I, s:I, s:o, s:[o,o], s:s}", "min",
        json_number(frame, s->min), "max", json_number(frame, s->max), "mean",
        cli_json_double(s->mean), "sum", json_number(frame, s->sum), "max_at",
        json_known(s->max_x < 0 ? -1 : s->max_x + view->x),
        json_known(s->max_y < 0 ? -1 : s->max_y + view->y), "percentiles", "1",
        json_number(frame, seen->percentiles[0]), "50", json_number(frame, seen->percentiles[1]),
        "99", json_number(frame, seen->percentiles[2]), "valid", (json_int_t)s->valid, "masked",
        (json_int_t)s->masked, "saturated", (json_int_t)s->saturated, "saturation",
        json_number(frame, seen->saturation), "range", json_number(frame, seen->range.low),
        json_number(frame, seen->range.high), "scale", view->scale.log ? "log" : "linear");
    if (!json || !stats || json_object_update(json, stats) ||
        (view->png && json_object_set_new(json, "png", cli_json_text(view->png)))) {
        json_decref(json);
        json = NULL;
    }
    json_decref(stats);
    return json;
}

/* --- As notes */

__attribute__((format(printf, 3, 4))) static void note(struct notes *notes, const char *what,
                                                       const char *format, ...)
{
    va_list args;
    char *line = notes->text[notes->count];
    int length = snprintf(line, NOTE_SIZE, "%-9s ", what);
    va_start(args, format);
    length += vsnprintf(line + length, NOTE_SIZE - (size_t)length, format, args);
    va_end(args);
    oph_text_clean(line);
    if (length > notes->width) notes->width = length;
    notes->lines[notes->count++] = line;
}

struct number {
    char text[32];
};

static struct number number_text(const struct frame *frame, double value)
{
    struct number n;
    bool whole = frame->counts && fabs(value) < 1e15;
    if (isnan(value))
        snprintf(n.text, sizeof n.text, "-");
    else
        snprintf(n.text, sizeof n.text, whole ? "%.0f" : "%.6g", value);
    return n;
}

static void note_time(struct notes *notes, int64_t time_ns)
{
    char text[64];
    struct tm local;
    time_t clock = (time_t)(time_ns / 1000000000);
    if (time_ns < 0 || !localtime_r(&clock, &local)) return;
    if (!strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local)) return;
    note(notes, "time", "%s.%03d", text, (int)(time_ns / 1000000 % 1000));
}

static void note_source(struct notes *notes, const struct frame *frame,
                        const struct view_source *source)
{
    if (source->file)
        note(notes, "file", "%s", source->file);
    else
        note(notes, "live", "%s", source->prefix);
    if (source->count > 1)
        note(notes, "frame", "%" PRId64 " of 0 to %" PRId64, source->number, source->count - 1);
    if (source->unique_id >= 0) note(notes, "unique id", "%" PRId64, source->unique_id);
    note_time(notes, source->time_ns);
    note(notes, "size", "%" PRId64 " x %" PRId64 "%s", frame->width, frame->height,
         frame->colors == 3 ? " in colours" : "");
    note(notes, "type", "%s%s%s", oph_dtype_name(frame->dtype),
         source->filters ? ", filters: " : "", source->filters ? source->filters : "");
}

static void note_stats(struct notes *notes, const struct view *view, const struct seen *seen)
{
    const struct frame *frame = &view->frame;
    const struct frame_stats *s = &seen->stats;
    const double *p = seen->percentiles;
    note(notes, "min", "%s", number_text(frame, s->min).text);
    if (s->max_x < 0)
        note(notes, "max", "-");
    else
        note(notes, "max", "%s at x=%" PRId64 " y=%" PRId64, number_text(frame, s->max).text,
             s->max_x + view->x, s->max_y + view->y);
    note(notes, "mean", "%.6g", s->mean);
    note(notes, "sum", "%s", number_text(frame, s->sum).text);
    note(notes, "1 50 99 %", "%s  %s  %s", number_text(frame, p[0]).text,
         number_text(frame, p[1]).text, number_text(frame, p[2]).text);
    note(notes, "masked", "%" PRId64, s->masked);
    if (isfinite(seen->saturation))
        note(notes, "saturated", "%" PRId64 " (%s or more)", s->saturated,
             number_text(frame, seen->saturation).text);
}

static void note_range(struct notes *notes, const struct view *view, const struct frame *frame,
                       const struct picture_range *range)
{
    note(notes, "shown", "%s to %s, %s", number_text(frame, range->low).text,
         number_text(frame, range->high).text, view->scale.log ? "log" : "linear");
}

/* --- On the terminal */

/* The file's name without its folder where that would take room from the picture. */
static void shorten(struct notes *notes, int columns)
{
    notes->width = 0;
    for (int i = 0; i < notes->count; i++) {
        char *value = notes->text[i] + 10, *slash = strrchr(value, '/');
        if (i == 0 && slash && (int)strlen(notes->text[i]) > columns / 2)
            memmove(value, slash + 1, strlen(slash));
        if ((int)strlen(notes->text[i]) > notes->width) notes->width = (int)strlen(notes->text[i]);
    }
}

/* What is beside the picture takes columns from it, what is below it takes lines. */
static bool fit(const struct frame *frame, const struct notes *notes, int64_t *width,
                int64_t *height)
{
    enum { SHOWN = 40 }; /* of the line that is to come */
    int columns = cli_columns(), lines = cli_rows() - 1, count = notes->count + 1;
    int left = columns - 2 - (notes->width > SHOWN ? notes->width : SHOWN);
    int64_t beside_width = 0, beside_height = 0;
    if (left > 0 && lines >= count)
        picture_fit(frame, left, 2 * (int64_t)lines, &beside_width, &beside_height);
    picture_fit(frame, columns, lines > count ? 2 * (int64_t)(lines - count) : 2, width, height);
    if (*width * *height > beside_width * beside_height) return true;
    *width = beside_width;
    *height = beside_height;
    return false;
}

static int draw(const struct view *view, const struct frame *frame, struct notes *notes)
{
    struct picture_range range;
    struct frame small;
    int64_t width, height;
    enum picture_ink ink =
        view->cli->color ? picture_ink(getenv("COLORTERM"), getenv("TERM")) : PICTURE_LETTERS;
    shorten(notes, cli_columns());
    bool below = fit(frame, notes, &width, &height);
    if (!picture_shrink(frame, width, height, &small)) return cli_no_memory();
    /* Of brightest pixels more are bright: the range is the picture's, not the frame's. */
    bool ok = picture_range(&small, &view->scale, &range);
    small.all = true;
    if (ok) {
        note_range(notes, view, frame, &range);
        picture_draw(&small, &range, view->map, ink, notes->lines, below, stdout);
    }
    free((void *)(uintptr_t)small.pixels);
    return ok ? 0 : cli_no_memory();
}

static int show_text(const struct view *view, const struct frame *frame,
                     const struct view_source *source, const struct seen *seen)
{
    struct notes notes = {.count = 0};
    bool picture = view->cli->terminal && !view->png && frame_count(frame) > 0;
    note_source(&notes, frame, source);
    note_stats(&notes, view, seen);
    if (view->again) cli_print_raw(view->cli, "\033[H\033[J");
    if (picture) {
        int rc = draw(view, frame, &notes);
        return rc ? rc : cli_flush(view->cli);
    }
    if (view->png) note_range(&notes, view, frame, &seen->range);
    if (view->png) note(&notes, "png", "%s", view->png);
    for (int i = 0; i < notes.count; i++)
        cli_print(view->cli, "%s\n", notes.lines[i]);
    return cli_flush(view->cli);
}

int view_show(struct view *view, const struct view_source *source)
{
    struct seen seen;
    char why[256];
    const struct frame *frame = &view->frame;
    bool to_stdout = view->png && strcmp(view->png, "-") == 0;
    view->frame.all = view->all;
    view->shown++;
    if (!look(view, frame, &seen)) return cli_no_memory();
    if (view->png &&
        !picture_write_png(frame, &seen.range, view->map, view->png, why, sizeof why)) {
        int rc = to_stdout ? cli_flush(view->cli) : 0;
        if (!rc) cli_say("%s: %s", view->png, why);
        return rc ? rc : CLI_FAILED;
    }
    if (to_stdout) return cli_flush(view->cli);
    if (view->cli->json) return cli_json(view->cli, to_json(view, frame, source, &seen));
    return show_text(view, frame, source, &seen);
}
