/* The base of file plugins (the NDFile template): Single, Capture and Stream, LazyOpen, the file
 * name, and what WriteStatus and WriteMessage say. The format itself is its owner's. */
#ifndef SIM_FILE_PLUGIN_H
#define SIM_FILE_PLUGIN_H

#include "sim/files.h"
#include "sim/plugin.h"

/* FileWriteMode. */
enum { SIM_FILE_SINGLE, SIM_FILE_CAPTURE, SIM_FILE_STREAM };

/* All are called with the port's lock and return 0 or -1. */
struct sim_format_ops {
    int (*open)(void *owner, const char *real_path, const struct sim_frame *like);
    int (*append)(void *owner, const struct sim_frame *frame);
    int (*close)(void *owner);
    void (*written)(void *owner, struct sim_param *param);
    bool one_frame; /* a file holds one: each frame opens one of its own */
};

struct sim_file_plugin {
    struct sim_plugin plugin;
    const struct sim_format_ops *format;
    void *owner;
    struct sim_files files;
    bool open;
    int ndims, cols, rows; /* of the first frame of the open file, */
    size_t bytes;          /* and of its elements */
    bool lazy;             /* as LazyOpen was when Capture was written */
    char full[SIM_PATH_SIZE];
    char temporary[SIM_PATH_SIZE]; /* where it really is until it is closed; empty without
                                      TempSuffix */
    struct sim_frame **kept;       /* Capture mode */
    int kept_count, kept_room;

    struct sim_param *capture, *mode, *num_capture, *num_captured, *lazy_open, *auto_save,
        *write_file, *read_file, *free_capture, *status, *message, *delete_driver_file,
        *temp_suffix;
};

void sim_file_plugin_init(struct sim_file_plugin *plugin, const char *port_name,
                          const struct sim_format_ops *format, void *owner);

/* For the end of the program: closes the file that is open. Later frames are not written. */
void sim_file_plugin_stop(struct sim_file_plugin *plugin);

#endif
