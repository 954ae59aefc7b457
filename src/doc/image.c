/* Images in documents: which files they are in, and where there. */
#include "base/err.h"
#include "base/str.h"
#include "doc/json.h"
#include "doc/run.h"
#include <string.h>

static int differs(const struct oph__image *image, const char *wanted, int64_t found,
                   oph_error *err)
{
    return oph__fail(err, OPH_EMISMATCH,
                     (struct oph__at){.device = oph_device_path(image->told->store)}, wanted,
                     "%lld", (long long)found);
}

/* What is in the documents so far must go for this point, too. */
static int check_point(const struct oph__doc_run *run, const struct oph__image *image,
                       const oph_files_info *now, oph_error *err)
{
    char wanted[80];
    int64_t frames = image->files.frame_per_point;
    if (now->points != run->events + 1) {
        oph__format(wanted, sizeof wanted, "%lld acquisitions since it was staged",
                    (long long)run->events + 1);
        return differs(image, wanted, now->points, err);
    }
    if (now->frame_per_point < 1 || (frames && now->frame_per_point != frames)) {
        oph__format(wanted, sizeof wanted, "%lld frames, as at the first point", (long long)frames);
        return differs(image, frames ? wanted : "a frame at each point", now->frame_per_point, err);
    }
    int64_t number = run->events * now->frame_per_point;
    if (now->file_per_frame && now->first_number != number) {
        oph__format(wanted, sizeof wanted,
                    "the number %lld of the point's first file, as documents count them",
                    (long long)number);
        return differs(image, wanted, now->first_number, err);
    }
    number += now->frame_per_point;
    if (!now->file_per_frame && now->captured != number) { /* somebody took some in between */
        oph__format(wanted, sizeof wanted, "%lld frames in the file, as documents count them",
                    (long long)number);
        return differs(image, wanted, now->captured, err);
    }
    return 0;
}

/* The file of all points, or the folder of one a frame. */
static int find_file(const struct oph__image *image, char *file, size_t size, oph_error *err)
{
    oph_device *dev = image->told->store;
    if (!image->files.file_per_frame) return oph_file_name(dev, OPH_SIDE_LOCAL, file, size, err);
    int rc = oph_file_name_at(dev, 0, OPH_SIDE_LOCAL, file, size, err);
    char *name = rc ? NULL : strrchr(file, '/');
    if (name) name[1] = 0;
    return rc;
}

int oph__image_look(const struct oph__doc_run *run, struct oph__image *image, oph_error *err)
{
    oph_files_info now = {.size = sizeof now};
    char file[OPH__PATH];
    int rc = oph_files_describe(image->told->store, &now, err);
    if (!rc) rc = check_point(run, image, &now, err);
    if (rc) return rc;
    image->files = now;
    rc = find_file(image, file, sizeof file, err);
    if (rc) return rc;
    if (image->file[0] && !oph__equal(image->file, file))
        return oph__fail(err, OPH_EMISMATCH,
                         (struct oph__at){.device = oph_device_path(image->told->store)},
                         image->file, "%s, another file than that of the first point", file);
    oph__copy(image->file, sizeof image->file, file);
    return 0;
}

int oph__image_unknown(const struct oph__image *image, oph_error *err)
{
    return oph__fail(err, OPH_EINVAL,
                     (struct oph__at){.device = oph_device_path(image->told->store)},
                     "a FileStore class whose files documents can describe (FileStoreHDF5, "
                     "FileStoreHDF5Single, FileStoreTIFF)",
                     "another");
}

/* Resource and datum */

static json_t *resource_kwargs(const struct oph__image *image)
{
    const oph_files_info *f = &image->files;
    json_int_t frames = f->frame_per_point;
    if (!f->file_per_frame) return json_pack("{s:I}", "frame_per_point", frames);
    return json_pack("{s:o, s:o, s:I}", "template", oph__json_string(f->file_template), "filename",
                     oph__json_string(f->file_name), "frame_per_point", frames);
}

static int tell_resource(struct oph__doc_run *run, struct oph__image *image, oph_error *err)
{
    const char *root = run->options.root ? run->options.root : "/";
    size_t length = strlen(root);
    while (length > 1 && root[length - 1] == '/')
        length--;
    const char *rest = image->file + length;
    bool is_below = !strncmp(image->file, root, length) && (length == 1 || *rest == '/');
    if (!is_below)
        return oph__fail(
            err, OPH_EINVAL, (struct oph__at){.device = oph_device_path(image->told->store)},
            "a file below the documents' root", "%s, where that is %s", image->file, root);
    if (!image->files.spec[0]) return oph__image_unknown(image, err);
    rest += strspn(rest, "/");
    if (!*rest) rest = "./"; /* the root itself: readers that want a slash at its end find one */
    return oph__doc_emit(run, "resource",
                         json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:s}", "uid", image->resource,
                                   "spec", image->files.spec, "root", oph__json_text(root, length),
                                   "resource_path", oph__json_string(rest), "path_semantics",
                                   "posix", "resource_kwargs", resource_kwargs(image), "run_start",
                                   run->uid),
                         err);
}

static int tell_datum(struct oph__doc_run *run, const struct oph__image *image, oph_error *err)
{
    return oph__doc_emit(run, "datum",
                         json_pack("{s:s, s:s, s:{s:I}}", "datum_id", image->datum, "resource",
                                   image->resource, "datum_kwargs", "point_number",
                                   (json_int_t)run->events),
                         err);
}

int oph__image_tell(struct oph__doc_run *run, struct oph__image *image, oph_error *err)
{
    bool stream = run->options.form == OPH_DOCUMENT_STREAM, first = !image->resource[0];
    int rc = 0;
    if (first) oph__doc_uid(image->resource);
    if (first) rc = stream ? oph__stream_resource(run, image, err) : tell_resource(run, image, err);
    if (rc) return rc;
    oph__format(image->datum, sizeof image->datum, "%s/%lld", image->resource,
                (long long)run->events);
    return stream ? oph__stream_datum(run, image, err) : tell_datum(run, image, err);
}
