#include "sim/file_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <epicsThread.h>

#include "sim/fault.h"

enum { WRITE_OK, WRITE_ERROR };
enum { ASYN_ERROR = 3 }; /* the status that the real plugin's messages quote */

static void fail(struct sim_file_plugin *f, const char *what)
{
    char text[SIM_PATH_SIZE + 64];
    snprintf(text, sizeof text, "Error %s file %s, status=%d", what, f->full, ASYN_ERROR);
    sim_set_int(f->status, WRITE_ERROR);
    sim_set_text(f->message, text);
}

/* The folder is gone: the file plugin notices when it is about to use it. */
static bool has_vanished(struct sim_file_plugin *f)
{
    if (!sim_fault_is(SIM_FAULT_PATH_VANISHES)) return false;
    sim_set_int(f->files.exists, 0);
    return true;
}

/* Where the file is written. -1: the name is too long. */
static int real_path(struct sim_file_plugin *f, char *ret, size_t size)
{
    char suffix[40];
    sim_get_text(f->temp_suffix, suffix, sizeof suffix);
    if (sim_path_real(f->full, ret, size) != 0) return -1;
    f->temporary[0] = '\0';
    if (!*suffix) return 0;
    size_t length = strlen(ret), more = strlen(suffix) + 1;
    if (length + more > size) return -1;
    memcpy(ret + length, suffix, more);
    memcpy(f->temporary, ret, strlen(ret) + 1);
    return 0;
}

static int open_file(struct sim_file_plugin *f, const struct sim_frame *like)
{
    char real[SIM_PATH_SIZE];
    if (sim_files_format(&f->files, 0, f->full, sizeof f->full) != 0) {
        sim_set_int(f->status, WRITE_ERROR);
        sim_set_text(f->message, "Error creating full file name from the template");
        return -1;
    }
    sim_files_took(&f->files, f->full);
    if (has_vanished(f) || sim_fault_is(SIM_FAULT_OPEN_FAILS) ||
        real_path(f, real, sizeof real) != 0 || f->format->open(f->owner, real, like) != 0) {
        fail(f, "opening");
        return -1;
    }
    sim_set_text(f->message, "");
    f->open = true;
    f->ndims = like->ndims;
    f->cols = like->cols;
    f->rows = like->rows;
    f->bytes = sim_element_size(like->pixels->type);
    return 0;
}

/* As NDPluginFile's isFrameValid: a file has frames of one size. */
static bool fits(const struct sim_file_plugin *f, const struct sim_frame *frame)
{
    return frame->ndims == f->ndims && frame->cols == f->cols && frame->rows == f->rows &&
           sim_element_size(frame->pixels->type) == f->bytes;
}

static void delete_driver_file(struct sim_file_plugin *f, const struct sim_frame *frame)
{
    char real[SIM_PATH_SIZE];
    if (sim_get_int(f->delete_driver_file) && frame->driver_file[0] &&
        sim_path_real(frame->driver_file, real, sizeof real) == 0)
        unlink(real);
}

static int append(struct sim_file_plugin *f, const struct sim_frame *frame)
{
    double slow = sim_fault_value(SIM_FAULT_SLOW_DISK);
    sim_set_int(f->status, WRITE_OK);
    if (!fits(f, frame)) {
        sim_set_int(f->status, WRITE_ERROR);
        sim_set_text(f->message, "Invalid frame. Ignoring.");
        return -1;
    }
    if (slow > 0) epicsThreadSleep(slow);
    if (!sim_fault_is(SIM_FAULT_DISK_FULL) && f->format->append(f->owner, frame) == 0) {
        delete_driver_file(f, frame);
        return 0;
    }
    fail(f, "writing");
    return -1;
}

static void close_file(struct sim_file_plugin *f)
{
    char real[SIM_PATH_SIZE];
    if (!f->open) return;
    f->open = false;
    if (f->format->close(f->owner) != 0) fail(f, "closing");
    if (f->temporary[0] &&
        (sim_path_real(f->full, real, sizeof real) != 0 || rename(f->temporary, real) != 0))
        fail(f, "renaming");
}

/* A file of one frame. */
static int write_one(struct sim_file_plugin *f, const struct sim_frame *frame)
{
    if (open_file(f, frame) != 0) return -1;
    int rc = append(f, frame);
    close_file(f);
    return rc;
}

static void end_capture(struct sim_file_plugin *f)
{
    close_file(f);
    sim_set_int(f->capture, 0);
    sim_set_int(f->write_file, 0);
}

static void forget_kept(struct sim_file_plugin *f)
{
    for (int i = 0; i < f->kept_count; i++)
        sim_frame_unref(f->kept[i]);
    free(f->kept);
    f->kept = NULL;
    f->kept_count = f->kept_room = 0;
}

static void write_single(struct sim_file_plugin *f, const struct sim_frame *frame)
{
    sim_set_int(f->status, WRITE_OK);
    sim_set_int(f->write_file, 1);
    sim_set_text(f->message, "");
    sim_publish(f->plugin.port);
    if (write_one(f, frame) == 0) sim_set_int(f->num_captured, 1);
    sim_set_int(f->write_file, 0);
}

static int append_kept(struct sim_file_plugin *f, int i)
{
    return f->format->one_frame ? write_one(f, f->kept[i]) : append(f, f->kept[i]);
}

static void write_kept(struct sim_file_plugin *f)
{
    if (f->kept_count == 0) return;
    sim_set_int(f->write_file, 1);
    sim_publish(f->plugin.port);
    if (f->format->one_frame || open_file(f, f->kept[0]) == 0) {
        for (int i = 0; i < f->kept_count && append_kept(f, i) == 0; i++) {
            sim_set_int(f->num_captured, f->kept_count - i - 1);
            sim_publish(f->plugin.port);
        }
        close_file(f);
    }
    forget_kept(f);
    sim_set_int(f->write_file, 0);
}

static void keep(struct sim_file_plugin *f, struct sim_frame *frame)
{
    int wanted = sim_get_int(f->num_capture);
    if (f->kept_count < wanted) {
        if (f->kept_count == f->kept_room) {
            int room = f->kept_room ? 2 * f->kept_room : 16;
            struct sim_frame **more = realloc(f->kept, (size_t)room * sizeof(struct sim_frame *));
            if (!more) {
                fail(f, "keeping frames for");
                return;
            }
            f->kept = more;
            f->kept_room = room;
        }
        f->kept[f->kept_count++] = sim_frame_ref(frame);
        sim_set_int(f->num_captured, f->kept_count);
    }
    if (f->kept_count < wanted) return;
    sim_set_int(f->capture, 0);
    if (sim_get_int(f->auto_save)) write_kept(f);
}

static void count_captured(struct sim_file_plugin *f)
{
    int captured = sim_get_int(f->num_captured) + 1;
    sim_set_int(f->num_captured, captured);
    if (captured == sim_get_int(f->num_capture)) end_capture(f);
}

static void stream(struct sim_file_plugin *f, struct sim_frame *frame)
{
    if (f->format->one_frame) {
        if (write_one(f, frame) != 0) return;
        count_captured(f);
        return;
    }
    if (!f->open && open_file(f, frame) != 0) {
        /* As measured: a lazy open that fails leaves no trace but Capture falling. */
        sim_set_int(f->status, WRITE_OK);
        sim_set_text(f->message, "");
        end_capture(f);
        return;
    }
    if (append(f, frame) == 0) count_captured(f);
}

static bool process(void *owner, struct sim_frame *frame)
{
    struct sim_file_plugin *f = owner;
    bool capturing = sim_get_int(f->capture) != 0;
    switch (sim_get_int(f->mode)) {
    case SIM_FILE_SINGLE:
        if (!sim_get_int(f->auto_save)) return false;
        write_single(f, frame);
        return true;
    case SIM_FILE_CAPTURE:
        if (capturing) keep(f, frame);
        return capturing;
    default:
        if (capturing) stream(f, frame);
        return capturing;
    }
}

static void start_capture(struct sim_file_plugin *f)
{
    struct sim_frame *like = f->plugin.last;
    int mode = sim_get_int(f->mode);
    bool opens = mode == SIM_FILE_STREAM && !f->lazy && !f->format->one_frame;
    sim_set_text(f->files.full, "");
    if (mode == SIM_FILE_SINGLE) {
        sim_set_text(f->message, "ERROR: capture not supported in Single mode");
        sim_set_int(f->capture, 0);
    } else if (!like && (mode == SIM_FILE_CAPTURE || opens)) {
        sim_set_int(f->capture, 0); /* as measured: without a word */
    } else if (mode == SIM_FILE_CAPTURE) {
        forget_kept(f);
        sim_set_int(f->num_captured, 0);
    } else if (opens && open_file(f, like) != 0) {
        sim_set_int(f->capture, 0);
    } else {
        sim_set_int(f->num_captured, 0);
        sim_set_int(f->write_file, 1);
    }
}

static void write_capture(struct sim_file_plugin *f)
{
    if (sim_get_int(f->capture) && f->open) return; /* it was on already */
    f->lazy = sim_get_int(f->lazy_open) != 0;
    sim_set_int(f->status, WRITE_OK);
    /* Emptied first: so it is posted also where it was that before. */
    sim_set_text(f->message, "");
    if (f->lazy) sim_set_text(f->message, "Lazy Open...");
    if (sim_get_int(f->capture))
        start_capture(f);
    else if (f->open || sim_get_int(f->mode) == SIM_FILE_STREAM)
        end_capture(f);
}

static void write_file_now(struct sim_file_plugin *f)
{
    if (sim_get_int(f->mode) == SIM_FILE_CAPTURE)
        write_kept(f);
    else if (sim_get_int(f->mode) == SIM_FILE_SINGLE && f->plugin.last)
        write_single(f, f->plugin.last);
    sim_set_int(f->write_file, 0);
}

static void written(void *owner, struct sim_param *param)
{
    struct sim_file_plugin *f = owner;
    sim_files_written(&f->files, param);
    if (param == f->files.path) has_vanished(f);
    if (param == f->capture) {
        write_capture(f);
    } else if (param == f->write_file && sim_get_int(param)) {
        write_file_now(f);
    } else if (param == f->read_file) {
        sim_set_int(param, 0); /* the plugin cannot read */
    } else if (param == f->free_capture) {
        forget_kept(f);
        sim_set_int(param, 0);
    }
    if (f->format->written) f->format->written(f->owner, param);
}

static const struct sim_plugin_ops ops = {.process = process, .written = written};

void sim_file_plugin_init(struct sim_file_plugin *f, const char *port_name,
                          const struct sim_format_ops *format, void *owner)
{
    f->format = format;
    f->owner = owner;
    sim_plugin_init(&f->plugin, port_name, &ops, f);
    struct sim_port *port = f->plugin.port;
    sim_files_init(&f->files, port);
    f->capture = sim_port_param(port, "CAPTURE", SIM_INT);
    f->mode = sim_port_param(port, "WRITE_MODE", SIM_INT);
    f->num_capture = sim_port_param(port, "NUM_CAPTURE", SIM_INT);
    f->num_captured = sim_port_param(port, "NUM_CAPTURED", SIM_INT);
    f->lazy_open = sim_port_param(port, "FILE_LAZY_OPEN", SIM_INT);
    f->auto_save = sim_port_param(port, "AUTO_SAVE", SIM_INT);
    f->write_file = sim_port_param(port, "WRITE_FILE", SIM_INT);
    f->read_file = sim_port_param(port, "READ_FILE", SIM_INT);
    f->free_capture = sim_port_param(port, "FREE_CAPTURE", SIM_INT);
    f->status = sim_port_param(port, "WRITE_STATUS", SIM_INT);
    f->message = sim_port_param(port, "WRITE_MESSAGE", SIM_TEXT);
    f->delete_driver_file = sim_port_param(port, "DELETE_DRIVER_FILE", SIM_INT);
    f->temp_suffix = sim_port_param(port, "FILE_TEMP_SUFFIX", SIM_TEXT);
}

void sim_file_plugin_stop(struct sim_file_plugin *f)
{
    sim_port_lock(f->plugin.port);
    end_capture(f);
    sim_port_unlock(f->plugin.port);
}
