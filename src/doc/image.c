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

static int unknown_spec(const struct oph__image *image, oph_error *err)
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
    if (!image->files.spec[0]) return unknown_spec(image, err);
    rest += strspn(rest, "/");
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

/* Stream resource and stream datum */

static json_t *uri(const char *path)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    struct oph__buf buf = {0};
    oph__buf_add(&buf, "file://localhost");
    for (; *path; path++)
        oph__buf_addf(&buf, strchr(plain, *path) ? "%c" : "%%%02X", (unsigned char)*path);
    json_t *text = buf.failed ? NULL : json_string(buf.text);
    oph__buf_free(&buf);
    return text;
}

static void add_literal(struct oph__buf *to, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        oph__buf_addf(to, text[i] == '{' || text[i] == '}' ? "%c%c" : "%c", text[i], text[i]);
}

/* A number, as printf's %6.6d, %06d, %6d or %d has it, in Python's words; NULL for anything else.
 */
static const char *add_number(struct oph__buf *to, const char *at)
{
    unsigned width = 0, digits = 0;
    bool zeros = *at == '0', precise = false;
    for (; *at >= '0' && *at <= '9' && width < 100; at++)
        width = 10 * width + (unsigned)(*at - '0');
    if (*at == '.') {
        precise = true;
        for (at++; *at >= '0' && *at <= '9' && digits < 100; at++)
            digits = 10 * digits + (unsigned)(*at - '0');
    }
    if (*at != 'd' || (precise && width > digits)) return NULL;
    if (precise) width = digits;
    oph__buf_addf(to, width ? "{:%s%ud}" : "{:d}", zeros || precise ? "0" : "", width);
    return at + 1;
}

/* "%s%s_%6.6d.tiff" with the name in it: "NAME_{:06d}.tiff". */
static int python_template(const struct oph__image *image, json_t **ret, oph_error *err)
{
    const oph_files_info *f = &image->files;
    struct oph__buf buf = {0};
    const char *at = oph__starts(f->file_template, "%s%s") ? f->file_template + 4 : NULL;
    int numbers = 0;
    add_literal(&buf, f->file_name, strlen(f->file_name));
    while (at && *at) {
        size_t n = strcspn(at, "%");
        add_literal(&buf, at, n);
        at += n;
        if (!*at) break;
        numbers += at[1] != '%';
        if (at[1] != '%') {
            at = add_number(&buf, at + 1);
            continue;
        }
        add_literal(&buf, at, 1);
        at += 2;
    }
    *ret = buf.failed || !at || numbers != 1 ? NULL : oph__json_string(buf.text);
    bool short_of_memory = buf.failed || (at && numbers == 1 && !*ret);
    oph__buf_free(&buf);
    if (short_of_memory) return oph__fail_memory(err, "a document");
    if (*ret) return 0;
    return oph__fail(err, OPH_EINVAL,
                     (struct oph__at){.device = oph_device_path(image->told->store)},
                     "a FileTemplate of the form \"%s%s_%6.6d.tiff\"", "\"%s\"", f->file_template);
}

/* One chunk a frame: whatever the file has, it is read so. */
static json_t *chunk_shape(const struct oph__image *image)
{
    json_t *list = oph__json_add(json_array(), json_integer(1));
    for (uint32_t i = 1; i < image->told->rank; i++)
        list = oph__json_add(list, json_integer(image->told->shape[i]));
    return list;
}

static int tell_stream(struct oph__doc_run *run, struct oph__image *image, oph_error *err)
{
    bool tiff = oph__equal(image->files.spec, "AD_TIFF"), many = image->files.file_per_frame;
    const char *type = tiff ? "image/tiff" : "application/x-hdf5";
    char mimetype[64];
    json_t *template = NULL;
    if (!image->files.spec[0]) return unknown_spec(image, err);
    int rc = many ? python_template(image, &template, err) : 0;
    if (rc) return rc;
    oph__format(mimetype, sizeof mimetype, many ? "multipart/related;type=%s" : "%s", type);
    json_t *parameters =
        tiff ? json_object() : json_pack("{s:s, s:b}", "dataset", "/entry/data/data", "swmr", 0);
    parameters = oph__json_with(parameters, "chunk_shape", chunk_shape(image));
    if (many) parameters = oph__json_with(parameters, "template", template);
    return oph__doc_emit(run, "stream_resource",
                         json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "uid", image->resource,
                                   "data_key", image->told->key, "mimetype", mimetype, "uri",
                                   uri(image->file), "parameters", parameters, "run_start",
                                   run->uid),
                         err);
}

/* Counted in points, from 0; of each the files have frame_per_point frames, as the descriptor says.
 */
static int tell_stream_datum(struct oph__doc_run *run, const struct oph__image *image,
                             oph_error *err)
{
    json_int_t i = run->events;
    return oph__doc_emit(run, "stream_datum",
                         json_pack("{s:s, s:s, s:s, s:{s:I, s:I}, s:{s:I, s:I}}", "uid",
                                   image->datum, "stream_resource", image->resource, "descriptor",
                                   run->descriptor, "indices", "start", i, "stop", i + 1,
                                   "seq_nums", "start", i + 1, "stop", i + 2),
                         err);
}

int oph__image_tell(struct oph__doc_run *run, struct oph__image *image, oph_error *err)
{
    bool stream = run->options.form == OPH_DOCUMENT_STREAM, first = !image->resource[0];
    int rc = 0;
    if (first) oph__doc_uid(image->resource);
    if (first) rc = stream ? tell_stream(run, image, err) : tell_resource(run, image, err);
    if (rc) return rc;
    oph__format(image->datum, sizeof image->datum, "%s/%lld", image->resource,
                (long long)run->events);
    return stream ? tell_stream_datum(run, image, err) : tell_datum(run, image, err);
}
