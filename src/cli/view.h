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
};

/* An exit code. */
int view_show(const struct view *view, const struct frame *frame, const struct view_source *source);

#endif
