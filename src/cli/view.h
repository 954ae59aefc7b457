/* What cophyd view shows of a frame: a picture, statistics, a document. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "cli/cli.h"
#include "cli/picture.h"

/* Where a frame is from. */
struct view_source {
    const char *file, *prefix; /* one of both is NULL */
    const char *filters;       /* of a file; else NULL */
    int64_t number, count;     /* of a file's frames; -1: none */
    int64_t unique_id;         /* -1: none */
    int64_t time_ns;           /* since 1970, UTC; -1: not known */
};

struct view {
    struct cli *cli;
    const struct color_map *map;
    struct picture_scale scale;
    double saturation; /* NaN: as the type has it */
    const char *png;   /* NULL: to the terminal */
    bool again;        /* where the one before it was shown */
    bool all;          /* no pixel is masked */
    bool region;       /* only this part */
    int64_t x, y, width, height;
    bool follow;
    int64_t number; /* of a file's frames; below 0: from the end */
    int64_t most;   /* frames, then following ends; 0: no end */

    struct frame frame;
    void *pixels; /* of `room` bytes */
    size_t room;
    int64_t shown;
};

/* Each returns an exit code, and has said what is wrong. */
int view_file(struct view *view, const char *file);                 /* view_file.c */
int view_live(struct view *view, const char *prefix);               /* view_live.c */
int view_show(struct view *view, const struct view_source *source); /* view.c: view->frame */

/* Room for the pixels of a frame. */
int view_make_room(struct view *view, int64_t bytes);
int view_not_a_picture(int32_t dtype, uint32_t rank, const int64_t *shape);
int view_no_such_region(const struct view *view);
/* No more is to be shown: there was enough, or nobody reads. */
bool view_enough(const struct view *view);
/* Around what is shown again and again in one place. */
void view_screen(const struct view *view, bool begin);

#endif
