/* The acquisitions of one trigger, one after another under one status. */
#ifndef AD_RUN_H
#define AD_RUN_H

#include "ad/shot.h"
#include "core/write.h"

/* The settings that are written before an acquisition. */
struct oph__settings_write {
    size_t count;
    struct oph__write *at;
    struct oph__wire *wires; /* what they put, in the same order */
};
struct oph__settings_write *oph__settings_write_new(size_t room, oph_error *err);
/* Adds one, encoded for the PV as it is now. There must be room. */
int oph__settings_write_add(struct oph__settings_write *writes, oph_signal *sig,
                            const struct oph__literal *value, oph_error *err);
void oph__settings_write_free(struct oph__settings_write *writes); /* NULL allowed */

/* What a trigger does. Without functions it acquires `count` times with what is set. */
struct oph__course {
    bool buffered;  /* frames out of a circular buffer, instead of acquisitions */
    size_t count;   /* acquisitions, at least 1 */
    int64_t before; /* frames that came before them in their series */
    struct oph__prepared prepared;
    /* What to write before one; *ret stays NULL where there is nothing. It does not block. */
    int (*settings)(oph_device *dev, size_t acquisition, struct oph__settings_write **ret,
                    oph_error *err);
    const char *(*name)(const oph_device *dev, size_t acquisition); /* for errors */
    /* Frames that all of them give a writer, as the first is about to start; NULL: as many each. */
    int64_t (*frames)(const struct oph__shot *first);
    oph_status *begun;       /* is finished when the camera has begun; NULL: nobody asks */
    oph_signal *shows_start; /* what rises then */
};
int64_t oph__course_frames(const struct oph__course *course, const struct oph__shot *first);
/* What to write before one, in the place of *slot; NULL: nothing. */
int oph__course_settings(const struct oph__course *course, oph_device *dev, size_t acquisition,
                         struct oph__settings_write **slot, oph_error *err);

/* Says in an error which acquisition of the course it was, where they have names. */
void oph__course_name(const struct oph__course *course, const oph_device *dev, size_t acquisition,
                      oph_error *err);

/* What puts an enumeration of two labels to 0 or 1. */
void oph__switch_wire(struct oph__wire *wire, uint16_t on);
/* Sends that as a plain put, not waited for: a second one with completion would stop the server's
 * reading for a minute. It replaces *slot. */
void oph__switch_put(struct oph__ops **slot, const oph_signal *sig, uint16_t on);

/* Looks whether the first can work and starts it; the status is finished when the last has ended,
 * or one has failed. On an error nothing was started. */
int oph__run_start(oph_device *dev, oph_status *status, const struct oph__course *course,
                   oph_error *err);

/* Brings the camera to a halt and waits for that, bounded. */
int oph__camera_stop(oph_device *dev, oph_error *err);

#endif
