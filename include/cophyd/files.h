/* Where a file plugin writes, how its files are named, and which they were.
 *
 * All of it is of a device with a FileStore class (FileStoreHDF5, FileStoreTIFF ...), else
 * OPH_EINVAL. What is set here is not for a device that is being staged (OPH_ESTATE), and is to be
 * set before it is staged: the folders and the name hold from the next stage on, how the IOC writes
 * paths, what may be overwritten and the root at once. Any thread. */
#ifndef COPHYD_FILES_H
#define COPHYD_FILES_H

#include <cophyd/device.h>

OPH_BEGIN_DECLS

enum oph_side {
    OPH_SIDE_IOC = 0,   /* as the IOC knows it: FilePath, FullFileName_RBV */
    OPH_SIDE_LOCAL = 1, /* as this machine does */
    OPH_SIDE_PIN_ = INT32_MIN
};

/* Folders */

/* Two templates for one folder, as the IOC names it and as this machine does. Both absolute; else
 * OPH_EPARSE. strftime's % fields are expanded once a stage, from the same instant (local time) for
 * both; a trailing separator is added. read NULL: the same as write. */
OPH_API int oph_files_set(oph_device *dev, const char *write, const char *read, oph_error *err);

/* Sets one of the two. Staging refuses (OPH_EINVAL) a pair of which only one was changed since the
 * two last held together, for then files would be looked for where they are not: set the other too,
 * be it to the same text. Where no read template was ever set it is the same as write, which then
 * may be changed alone. */
OPH_API int oph_files_set_write(oph_device *dev, const char *write, oph_error *err);
OPH_API int oph_files_set_read(oph_device *dev, const char *read, oph_error *err);

/* The template of a side into buffer[size], as it was set; OPH_ERANGE when it does not fit, and
 * OPH_ESTATE when there is none. */
OPH_API int oph_files_get(oph_device *dev, int32_t side, char *buffer, size_t size, oph_error *err);

enum oph_path_semantics {
    OPH_PATH_POSIX = 0,
    OPH_PATH_WINDOWS = 1, /* the IOC runs on Windows: backslashes, drive letters, no case */
    OPH_PATH_PIN_ = INT32_MIN
};
/* How the IOC writes paths. To be set before the template, which is checked by it. */
OPH_API int oph_files_set_semantics(oph_device *dev, int32_t semantics, oph_error *err);

/* Keeps files on this machine under `root`, also from an IOC that names others: staging fails with
 * OPH_EFILE where the folder to read from does not lie in it, links followed, and so does asking
 * for the local name of a file that does not. Of what does not exist yet the part that exists
 * counts. Absolute, else OPH_EPARSE; NULL: anywhere, as at first. Who can write to folders in
 * `root` can still put a link there between this look and the program's own opening. */
OPH_API int oph_files_set_root(oph_device *dev, const char *root, oph_error *err);

/* Names */

enum oph_naming {
    OPH_NAME_UUID = 0, /* a random UUID without its last group, a new one each stage; as at first */
    OPH_NAME_FIXED = 1,   /* a text */
    OPH_NAME_COUNTER = 2, /* the IOC's FileNumber goes on: it is neither staged nor put back */
    OPH_NAME_FUNCTION = 3,
    OPH_NAME_PIN_ = INT32_MIN
};
/* What FileName is staged as. `text`: of OPH_NAME_FIXED; for OPH_NAME_COUNTER it may be NULL, and
 * the FileName that stands is used; else NULL. A text names no folder. Whatever the policy, a
 * file_name among the device's settings has the last word. With all but OPH_NAME_COUNTER FileNumber
 * is staged as 0. */
OPH_API int oph_files_set_name(oph_device *dev, int32_t naming, const char *text, oph_error *err);

/* Writes FileName into buffer[size], and returns 0; anything else fails the stage. Called once a
 * stage or plan, by the thread that stages, with no lock held. `user` stays yours. */
typedef int32_t oph_file_name_fn(void *user, oph_device *dev, char *buffer, size_t size);
/* Has files named by such a function. */
OPH_API int oph_files_set_name_function(oph_device *dev, oph_file_name_fn *fn, void *user,
                                        oph_error *err);

/* An existing file is not overwritten unless `overwrite` is 1: staging, and for a file a frame also
 * triggering, fail with OPH_EFILE where the name that FileTemplate gives exists already. That can
 * be seen only where this machine has the folder and the template is of the usual form, "%s%s" and
 * at most one %d; elsewhere areaDetector overwrites without a word. A UUID is not looked for. */
OPH_API int oph_files_set_overwrite(oph_device *dev, int32_t overwrite, oph_error *err);

/* Files */

/* The file of the latest acquisition that succeeded since the plugin was staged, into buffer[size];
 * OPH_ERANGE when it does not fit. It can be asked for until the next stage. A name is never
 * guessed: before an acquisition has succeeded there is none (OPH_ESTATE). Of several files, which
 * FileWriteMode Single makes, the last. */
OPH_API int oph_file_name(oph_device *dev, int32_t side, char *buffer, size_t size, oph_error *err);

/* The files of that acquisition: one, or one a frame. The IOC has named the last of them, and
 * counted all; their names differ in the number. 0 before an acquisition has succeeded, and for a
 * device without a FileStore. */
OPH_API size_t oph_file_count(oph_device *dev);
/* OPH_ERANGE past the end too. */
OPH_API int oph_file_name_at(oph_device *dev, size_t index, int32_t side, char *buffer, size_t size,
                             oph_error *err);

/* What documents say about the files of a stage. Set `size` to sizeof(oph_files_info). Until the
 * next stage; before the first one OPH_ESTATE. */
typedef struct oph_files_info {
    uint32_t size;
    int32_t file_per_frame;  /* 1: FileWriteMode Single; 0: the frames of a stage are in one file */
    int32_t numbered;        /* 1: each point has its number (FileStoreIterativeWrite) */
    int32_t naming;          /* enum oph_naming */
    int64_t points;          /* acquisitions that succeeded since it was staged */
    int64_t frame_per_point; /* frames of the latest one; 0 before it */
    int64_t first_number;    /* FileNumber of its first file */
    int64_t captured; /* frames in the file when it had ended, those of an acquisition that was
                         stopped among them; 0 with a file a frame */
    char spec[32];    /* "AD_HDF5", "AD_HDF5_SINGLE", "AD_TIFF"; "" where none is known */
    char file_template[256]; /* "%s%s_%6.6d.h5" */
    char file_name[256];     /* as staged, without folder and number */
    char ioc_folder[1024];   /* both end in a separator */
    char local_folder[1024];
} oph_files_info;
OPH_API int oph_files_describe(oph_device *dev, oph_files_info *ret, oph_error *err);

OPH_END_DECLS

#endif
