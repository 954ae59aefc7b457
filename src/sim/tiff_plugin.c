#include "sim/tiff_plugin.h"

#include <stdio.h>
#include <string.h>

#include <cantProceed.h>

#include "sim/file_plugin.h"
#include "sim/tiff.h"

struct tiff_plugin {
    struct sim_file_plugin file;
    char path[SIM_PATH_SIZE];
};

/* The file is made at once, so that a folder that is missing is told as such. */
static int open_tiff(void *owner, const char *real_path, const struct sim_frame *like)
{
    struct tiff_plugin *t = owner;
    (void)like;
    FILE *file = fopen(real_path, "we");
    if (!file) return -1;
    fclose(file);
    memcpy(t->path, real_path, strlen(real_path) + 1);
    return 0;
}

static int append(void *owner, const struct sim_frame *frame)
{
    struct tiff_plugin *t = owner;
    return sim_tiff_write_frame(t->path, frame);
}

static int close_tiff(void *owner)
{
    (void)owner;
    return 0;
}

static const struct sim_format_ops format = {
    .open = open_tiff, .append = append, .close = close_tiff, .one_frame = true};

void sim_tiff_plugin_new(const char *port_name)
{
    struct tiff_plugin *t = callocMustSucceed(1, sizeof *t, "sim_tiff_plugin_new");
    sim_file_plugin_init(&t->file, port_name, &format, t);
}
