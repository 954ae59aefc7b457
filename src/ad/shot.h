/* One acquisition of a camera with its file writers: what is looked at, and how it is judged. */
#ifndef AD_SHOT_H
#define AD_SHOT_H

#include "ad/chain.h"
#include "ad/file_store.h"
#include "core/device.h"
#include "core/ops.h"
#include <stdatomic.h>

/* What is read of the camera, before and after. */
/* ADDriver's DetectorState, as far as it is looked at. */
enum {
    OPH__CAM_IS_IDLE = 0,
    OPH__CAM_ACQUIRES = 1,
    OPH__CAM_FAILED = 6,
    OPH__CAM_IS_DISCONNECTED = 9,
    OPH__CAM_WAS_ABORTED = 10
};

enum oph__cam_row {
    OPH__CAM_ACQUIRE,
    OPH__CAM_STATE,
    OPH__CAM_COUNTER,
    OPH__CAM_IMAGES,
    OPH__CAM_MODE,
    OPH__CAM_CALLBACKS,
    OPH__CAM_REQUIRED, /* those above are required, those below may be absent */
    OPH__CAM_BUSY = OPH__CAM_REQUIRED,
    OPH__CAM_MESSAGE,
    OPH__CAM_TIME,
    OPH__CAM_PERIOD,
    OPH__CAM_EXPOSURES,
    OPH__CAM_FILE_TIMEOUT,
    OPH__CAM_TRIGGER,
    OPH__CAM_WAITS,
    OPH__CAM_QUEUED,
    OPH__CAM_PATH,
    OPH__CAM_NAME,
    OPH__CAM_TEMPLATE,
    OPH__CAM_ROWS
};

/* What is read of each writer. */
enum oph__writer_row {
    OPH__W_ENABLE,
    OPH__W_CAPTURE,
    OPH__W_CAPTURED,
    OPH__W_MODE,
    OPH__W_DROPPED,
    OPH__W_STATUS,
    OPH__W_MESSAGE,
    OPH__W_FILE,
    OPH__W_COUNTER,
    OPH__W_NUMBER,
    OPH__W_MOST,
    OPH__W_REQUIRED, /* as of the camera */
    OPH__W_QUEUED = OPH__W_REQUIRED,
    OPH__W_ROWS
};

/* What is read of the circular buffer of a camera that never stops. */
enum oph__buffer_row {
    OPH__B_CAPTURE,
    OPH__B_TRIGGER,
    OPH__B_DONE,
    OPH__B_PRE,
    OPH__B_POST,
    OPH__B_COUNTER,
    OPH__B_ENABLE,
    OPH__B_CALLBACKS,
    OPH__B_PORT,
    OPH__B_ROWS
};

enum oph__look_when { OPH__BEFORE = 1, OPH__AFTER = 2, OPH__BOTH = OPH__BEFORE | OPH__AFTER };

/* One reading, before or after. Numbers are NAN where a row is absent, gave none, or is of no use
 * then. */
struct oph__writer_look {
    double number[OPH__W_ROWS];
    char file[512], message[256];
    char capture[32];
};
struct oph__buffer_look {
    double number[OPH__B_ROWS];
    char port[64];
};
struct oph__look {
    double number[OPH__CAM_ROWS];
    char state[32], trigger[32], message[256]; /* labels of two, and a text */
    bool empty[OPH__CAM_ROWS];                 /* a text row that holds no text */
    struct oph__buffer_look buffer;
    struct oph__writer_look *writers;
    int32_t code; /* 0, or why a reading failed */
    oph_error error;
};

/* The signals of one acquisition. */
struct oph__shot {
    oph_device *dev, *cam;
    oph_signal *cam_rows[OPH__CAM_ROWS]; /* NULL where absent */
    oph_device *buffer;                  /* NULL: a trigger is an acquisition of the camera */
    oph_signal *buffer_rows[OPH__B_ROWS];
    size_t writer_count;
    struct oph__shot_writer {
        oph_device *dev;
        oph_signal *rows[OPH__W_ROWS];
        enum oph__writing writing;
        /* Of a file a frame, while it is watched: a good WriteStatus was seen; then one that was
         * bad; the frames that the monitor counted, which come after the statuses before them. */
        atomic_bool sound, failed;
        _Atomic double counted;
        struct oph__chanmon *mons[2];
    } * writers;
    struct oph__ports ports; /* read with `before`, where there is a writer */
    bool ports_known;
    size_t plugin_count;
    struct oph__shot_plugin {
        oph_device *dev;
        oph_signal *size, *free;
        double room, held; /* of its queue, in arrays; NAN: not looked at */
    } * plugins;           /* those whose queue can be read */
    struct oph__look before, now;
    int64_t images; /* asked of the camera */
    int64_t frames; /* and of each writer: as many, unless the user said otherwise */
    bool restarted; /* the camera's counter was seen to fall: it counts from 0 at each start */
    double begin;   /* seconds until the camera must show that it has begun */
    double limit;   /* seconds it may take until the first frame, or the only one */
    double stall;   /* seconds without a frame while the camera acquires */
    double settle;  /* seconds without progress of a writer after the camera has ended */
};

/* What a series set, and nobody may have changed when it starts. */
struct oph__prepared {
    int64_t images;      /* 0: any number */
    const char *trigger; /* the label of TriggerMode; NULL: any */
    double trigger_is;   /* its number */
};

int oph__shot_needs(oph_device *dev, struct oph__needs *needs, oph_error *err);
/* Finds the signals. Writers are the file stores that were staged to write. */
int oph__shot_init(struct oph__shot *shot, oph_device *dev, bool buffered, oph_error *err);
void oph__shot_clear(struct oph__shot *shot);

/* Asks for the rows in one group; _take reads the answers into `before` or `now` when it is done.
 * `when`: one of the two. `queues`: those of the plugins too, which say who is stuck. */
int oph__look_ask(struct oph__shot *shot, enum oph__look_when when, bool queues,
                  struct oph__ops **ret, oph_error *err);
void oph__look_take(struct oph__shot *shot, enum oph__look_when when, bool queues,
                    struct oph__ops *group);

/* Whether `before` allows the acquisition; fills images, frames and the times. `chain`: also
 * whether frames reach the writers, and how many, which blocks. */
int oph__shot_check(struct oph__shot *shot, bool chain, oph_error *err);
/* Looks and checks, and waits until a writer that was told to capture counts from 0: it blocks.
 * `prepared`: what must still stand so. */
int oph__shot_look_before(struct oph__shot *shot, const struct oph__prepared *prepared,
                          oph_error *err);
/* How many frames a camera takes; -1: without end. */
double oph__cam_images(const oph_device *cam, double num_images, double image_mode);
/* Frames from the camera since `before`. */
double oph__shot_taken(const struct oph__shot *shot);
/* Frames that all writers have written since `before`. */
double oph__shot_written(const struct oph__shot *shot);
/* Whether `now` shows a camera that has come to a halt. */
bool oph__shot_is_idle(const struct oph__shot *shot);

/* Whether `now` shows that it is done. */
enum oph__verdict { OPH__GOOD, OPH__BAD, OPH__NOT_YET };
/* `last`: no more waiting, NOT_YET becomes BAD. Fills err for BAD. */
enum oph__verdict oph__shot_judge(struct oph__shot *shot, bool last, double waited, oph_error *err);

/* All that is known, as one error: for an acquisition that timed out, was lost or was cancelled. */
int oph__shot_fail(struct oph__shot *shot, int code, const char *why, double waited,
                   oph_error *err);

/* Writers (shot_writer.c) */

/* Which row counts the frames that writer `w` has dealt with. */
enum oph__writer_row oph__writer_counts(const struct oph__shot *shot, size_t w);
/* What that has risen by. */
double oph__writer_written(const struct oph__shot *shot, size_t w);
/* Whether it stands as it was staged. */
int oph__writer_check(const struct oph__shot *shot, size_t w, oph_error *err);
/* Whether all the next frames have room in the file, or files that do not exist yet: of all
 * acquisitions of a trigger at once, since it asks the file system. */
int oph__writers_room(const struct oph__shot *shot, int64_t frames, oph_error *err);
/* Whether `before` stands where the acquisition before it in the trigger left it in `now`: else the
 * frames of a trigger would lie in files that nobody can name. */
int oph__writers_follow(const struct oph__shot *shot, oph_error *err);
/* Watches, from before the start on, those of a file a frame: what WriteStatus says of one frame
 * the next one takes back. */
int oph__writers_watch(struct oph__shot *shot, oph_error *err);
void oph__writers_unwatch(struct oph__shot *shot);
/* Whether it has written all, and well. */
enum oph__verdict oph__writer_judge(const struct oph__shot *shot, size_t w, const char **why);

/* Reports to the status how many of `total` frames the slowest writer has, beginning with those
 * that were there `before`, and, where it is more than one, while they come. *ret is set on an
 * error too. */
struct oph__counts;
int oph__counts_begin(const struct oph__shot *shot, oph_status *status, int64_t before,
                      int64_t total, struct oph__counts **ret, oph_error *err);
/* When a frame came last, on the monotonic clock; the begin where none has. */
double oph__counts_moved(struct oph__counts *counts);
bool oph__counts_restarted(struct oph__counts *counts);
/* Whether more frames came than were asked for. */
bool oph__counts_over(struct oph__counts *counts);
/* `complete`: all were written, also where the last update is still on its way. NULL allowed. */
void oph__counts_end(struct oph__counts *counts, bool complete);

/* Calls fn when something of what the verdict waits for moves, or of what fills the buffer. To be
 * ended on an error too. */
struct oph__shot_watch {
    struct oph__chanmon **mons;
    size_t count;
};
int oph__shot_watch_all(const struct oph__shot *shot, oph__event_fn *fn, void *user,
                        struct oph__shot_watch *ret, oph_error *err);
int oph__shot_watch_filling(const struct oph__shot *shot, oph__event_fn *fn, void *user,
                            struct oph__shot_watch *ret, oph_error *err);
void oph__shot_watch_end(const struct oph__shot *shot, struct oph__shot_watch *watch);

#endif
