/* The hook of the FileStore classes: where a file plugin writes, and what it wrote. */
#ifndef AD_FILE_STORE_H
#define AD_FILE_STORE_H

#include "core/behaviour.h"

enum { OPH__PATH_MAX = 1024 };

extern const struct oph__hook_ops oph__hdf5_file_store;

/* The folders of the latest stage, and the file of the latest acquisition, which the trigger notes
 * as FullFileName_RBV gives it. "" where there is none yet. */
void oph__store_note_file(oph_device *dev, const char *full_name);

/* Whether the file has the staged name: FullFileName_RBV keeps the former one until the IOC has
 * posted ours. True where the staged template has no place for a name. */
bool oph__store_is_ours(oph_device *dev, const char *full_name);

/* Whether nothing was acquired since Capture was staged; _begin ends that. */
bool oph__store_is_fresh(oph_device *dev);
void oph__store_begin(oph_device *dev);

#endif
