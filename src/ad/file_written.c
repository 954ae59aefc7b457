/* What was written: as the IOC names it, and as this machine does. */
#include "ad/file_parts.h"
#include "ad/full_name.h"
#include "ad/template.h"
#include "base/err.h"
#include "base/str.h"
#include <string.h>

void oph__store_note_file(oph_device *dev, const char *full_name)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    oph__copy(s->file, sizeof s->file, full_name);
    pthread_mutex_unlock(&s->lock);
}

void oph__store_note_point(oph_device *dev, int64_t frames, int64_t first_number, int64_t captured)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->points++;
    s->frames = frames;
    s->first_number = first_number;
    s->captured = captured;
    pthread_mutex_unlock(&s->lock);
}

enum oph__writing oph__store_writing(const oph_device *dev, const struct oph__plan *plan)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s || !plan || !oph__plan_find(plan, dev, "file_path")) return OPH__WRITES_NOTHING;
    pthread_mutex_lock(&s->lock);
    enum oph__writing writing = s->latest.writing;
    pthread_mutex_unlock(&s->lock);
    return writing;
}

/* A template names the folder first, then the file. The former file may have had the same name but
 * for the number; then only a name that is just what the template makes of ours is ours for sure.
 * In another folder than was staged, since somebody changed FilePath, it is looked for in vain. */
static bool is_ours(const struct oph__store *s, const char *full)
{
    const char *folder = strstr(s->latest.format, "%s");
    if (!folder || !strstr(folder + 2, "%s")) return true;
    if (!strstr(full, s->latest.name)) return false;
    if (folder == s->latest.format && s->latest.folder[0] &&
        !oph__path_rest(full, s->latest.folder, s->windows))
        return false;
    return s->latest.is_random || !oph__equal(full, s->latest.former) ||
           (s->latest.first[0] && oph__path_same(full, s->latest.first, s->windows));
}

bool oph__store_is_ours(oph_device *dev, const char *full_name)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    bool ours = is_ours(s, full_name);
    pthread_mutex_unlock(&s->lock);
    return ours;
}

bool oph__store_is_numbered(oph_device *dev, const char *full_name, int64_t number)
{
    struct oph__store *s = oph__store_of(dev);
    char full[OPH__PATH_MAX];
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    bool is = oph__full_name(s->latest.format, s->latest.folder, s->latest.name, number, full,
                             sizeof full) &&
              oph__path_same(full_name, full, s->windows);
    pthread_mutex_unlock(&s->lock);
    return is;
}

void oph__store_note_left(oph_device *dev, bool left)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->left = left;
    pthread_mutex_unlock(&s->lock);
}

bool oph__store_has_left(oph_device *dev)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    bool left = s->left;
    pthread_mutex_unlock(&s->lock);
    return left;
}

bool oph__store_is_fresh(oph_device *dev)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    bool fresh = s->fresh;
    pthread_mutex_unlock(&s->lock);
    return fresh;
}

void oph__store_begin(oph_device *dev)
{
    struct oph__store *s = oph__store_of(dev);
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->fresh = false;
    pthread_mutex_unlock(&s->lock);
}

static size_t count(const struct oph__store *s)
{
    if (!s->file[0]) return 0;
    return s->latest.writing == OPH__WRITES_FILES ? (size_t)s->frames : 1;
}

/* File `index`, on that side. */
static int give(const oph_device *dev, const struct oph__store *s, size_t index, int32_t side,
                char *buffer, size_t size, oph_error *err)
{
    char full[OPH__PATH_MAX];
    const struct oph__at at = {.device = dev->path};
    oph__copy(full, sizeof full, s->file);
    if (index + 1 < count(s))
        oph__full_name(s->latest.format, s->latest.folder, s->latest.name,
                       s->first_number + (int64_t)index, full, sizeof full);
    if (side == OPH_SIDE_LOCAL)
        return oph__path_to_local(dev->path, full, s->latest.write_dir, s->latest.read_dir,
                                  s->windows, buffer, size, err);
    if (side != OPH_SIDE_IOC)
        return oph__fail(err, OPH_EINVAL, at, "OPH_SIDE_IOC or OPH_SIDE_LOCAL", "%d", (int)side);
    if (strlen(full) >= size)
        return oph__fail(err, OPH_ERANGE, at, "a shorter name",
                         "%zu characters, where the buffer holds %zu", strlen(full),
                         size ? size - 1 : 0);
    memcpy(buffer, full, strlen(full) + 1);
    return 0;
}

static int check_index(const oph_device *dev, const struct oph__store *s, size_t index,
                       oph_error *err)
{
    const struct oph__at at = {.device = dev->path};
    if (!s->file[0])
        return oph__fail(err, OPH_ESTATE, at, "the file of an acquisition",
                         "none: no acquisition has succeeded since it was staged");
    if (index < count(s)) return 0;
    return oph__fail(err, OPH_ERANGE, at, "a file of the acquisition", "number %zu of %zu", index,
                     count(s));
}

/* `index` NULL: the last. */
static int name_at(oph_device *dev, const size_t *index, int32_t side, char *buffer, size_t size,
                   oph_error *err)
{
    struct oph__store *s;
    char name[2 * OPH__PATH_MAX];
    int rc = oph__store_get(dev, &s, err);
    if (rc) return rc;
    pthread_mutex_lock(&s->lock);
    rc = check_index(dev, s, index ? *index : 0, err);
    if (!rc)
        rc = give(dev, s, index ? *index : count(s) - 1, side, name,
                  size < sizeof name ? size : sizeof name, err);
    pthread_mutex_unlock(&s->lock);
    if (!rc && side == OPH_SIDE_LOCAL) rc = oph__store_hold(dev, s, name, err);
    if (!rc) memcpy(buffer, name, strlen(name) + 1);
    return rc;
}

int oph_file_name(oph_device *dev, int32_t side, char *buffer, size_t size, oph_error *err)
{
    return name_at(dev, NULL, side, buffer, size, err);
}

size_t oph_file_count(oph_device *dev)
{
    struct oph__store *s;
    if (oph__store_get(dev, &s, NULL)) return 0;
    pthread_mutex_lock(&s->lock);
    size_t n = count(s);
    pthread_mutex_unlock(&s->lock);
    return n;
}

int oph_file_name_at(oph_device *dev, size_t index, int32_t side, char *buffer, size_t size,
                     oph_error *err)
{
    return name_at(dev, &index, side, buffer, size, err);
}

/* What bluesky calls the format, by the class that says how frames become files. */
static const char *spec_of(const oph_device *dev)
{
    static const char *const specs[][2] = {{"FileStoreHDF5", "AD_HDF5"},
                                           {"FileStoreHDF5Single", "AD_HDF5_SINGLE"},
                                           {"FileStoreTIFF", "AD_TIFF"}};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        if (oph_device_is(dev, specs[i][0])) return specs[i][1];
    return "";
}

int oph_files_describe(oph_device *dev, oph_files_info *ret, oph_error *err)
{
    struct oph__store *s;
    int rc = oph__store_get(dev, &s, err);
    if (rc) return rc;
    const struct oph__at at = {.device = dev->path};
    if (ret->size != sizeof *ret)
        return oph__fail(err, OPH_EINVAL, at, "size to be sizeof(oph_files_info)", "%u",
                         (unsigned)ret->size);
    oph_files_info info = {.size = sizeof info};
    pthread_mutex_lock(&s->lock);
    bool staged = s->latest.writing != OPH__WRITES_NOTHING;
    info.file_per_frame = s->latest.writing == OPH__WRITES_FILES;
    info.numbered = oph_device_is(dev, "FileStoreIterativeWrite");
    info.naming = s->latest.naming;
    info.points = s->points;
    info.frame_per_point = s->frames;
    info.captured = info.file_per_frame ? 0 : s->captured;
    info.first_number = info.file_per_frame ? s->first_number : s->latest.number;
    oph__copy(info.spec, sizeof info.spec, spec_of(dev));
    oph__copy(info.file_template, sizeof info.file_template, s->latest.format);
    oph__copy(info.file_name, sizeof info.file_name, s->latest.name);
    oph__copy(info.ioc_folder, sizeof info.ioc_folder, s->latest.write_dir);
    oph__copy(info.local_folder, sizeof info.local_folder, s->latest.read_dir);
    pthread_mutex_unlock(&s->lock);
    if (!staged)
        return oph__fail(err, OPH_ESTATE, at, "the files of a stage",
                         "none: it was not staged, or its settings do not start Capture");
    *ret = info;
    return 0;
}
