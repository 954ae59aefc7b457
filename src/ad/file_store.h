/* The hook of the FileStore classes: where a file plugin writes, and what it wrote. */
#ifndef AD_FILE_STORE_H
#define AD_FILE_STORE_H

#include "core/behaviour.h"

enum { OPH__PATH_MAX = 1024 };

extern const struct oph__hook_ops oph__file_store;

/* NDPluginFile's FileWriteMode. */
enum { OPH__FILE_SINGLE = 0, OPH__FILE_CAPTURE = 1, OPH__FILE_STREAM = 2 };

/* How the latest stage told the plugin to write. */
enum oph__writing {
    OPH__WRITES_NOTHING,
    OPH__WRITES_STREAM, /* Capture was started: NumCaptured counts the frames of one file */
    OPH__WRITES_FILES   /* FileWriteMode Single: a file a frame, which ArrayCounter counts */
};
/* NOTHING too where the device has no file store. The plan is that of the stage, or NULL. */
enum oph__writing oph__store_writing(const oph_device *dev, const struct oph__plan *plan);

/* FullFileName_RBV of the latest acquisition, which the trigger notes when it has succeeded; and
 * the acquisition itself: how many frames it had, what FileNumber was before, and how many frames
 * its file has now. */
void oph__store_note_file(oph_device *dev, const char *full_name);
void oph__store_note_point(oph_device *dev, int64_t frames, int64_t first_number, int64_t captured);

/* Whether the one file of a stage has its staged name: FullFileName_RBV keeps the former one until
 * the IOC has posted ours. True where the staged template has no place for a name. */
bool oph__store_is_ours(oph_device *dev, const char *full_name);
/* The same of a file a frame, whose number is known. */
bool oph__store_is_numbered(oph_device *dev, const char *full_name, int64_t number);

/* Refuses, unless overwriting was asked for, to make `count` files from FileNumber `first` on where
 * one of them exists. */
int oph__store_room(oph_device *dev, int64_t first, int64_t count, oph_error *err);

/* Whether frames of an acquisition that failed may still be on their way to the plugin. */
void oph__store_note_left(oph_device *dev, bool left);
bool oph__store_has_left(oph_device *dev);

/* Whether nothing was acquired since Capture was staged; _begin ends that. */
bool oph__store_is_fresh(oph_device *dev);
void oph__store_begin(oph_device *dev);

#endif
