/* Images in stream_resource and stream_datum, as bluesky-tiled-plugins and Tiled read them. */
#include "base/err.h"
#include "base/str.h"
#include "doc/json.h"
#include "doc/run.h"
#include <string.h>

/* How the IOC lays a file out */

enum { SWMR, WHOLE, FRAMES, ROWS, COLUMNS, SETTINGS };
static const char *const settings[SETTINGS] = {"swmr_mode", "chunk_size_auto", "num_frames_chunks",
                                               "num_row_chunks", "num_col_chunks"};

/* In one flush; 0 of what the plugin does not have or does not tell, since nothing depends on it
 * but how fast others read. */
static int ask_settings(const struct oph__doc_run *run, oph_device *store, int64_t *ret,
                        oph_error *err)
{
    oph_signal *sig;
    oph_group *group;
    size_t entries[SETTINGS];
    bool asked[SETTINGS] = {false};
    int rc = oph_group_new(run->ctx, &group, err);
    if (rc) return rc;
    for (int i = 0; !rc && i < SETTINGS; i++) {
        ret[i] = 0;
        if (oph_signal_find(store, settings[i], &sig, NULL)) continue;
        entries[i] = oph_group_count(group);
        asked[i] = true;
        rc = oph_group_read(group, sig, NULL, err);
    }
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, NULL, err);
    bool ended = rc == OPH_EINTR || rc == OPH_ECANCEL || rc == OPH_ENOMEM;
    for (int i = 0; !ended && i < SETTINGS; i++) {
        const oph_value *value = asked[i] ? oph_group_value(group, entries[i]) : NULL;
        if (value) oph_value_get_int(value, &ret[i], NULL);
    }
    oph_group_free(group);
    return ended ? rc : 0;
}

static json_int_t part_of(int64_t wanted, int64_t whole)
{
    return wanted >= 1 && wanted <= whole ? wanted : whole;
}

/* That of the array which readers make of the file: points, frames of a point, and a frame. */
static json_t *chunk_shape(const struct oph__image *image, const int64_t *set)
{
    const int64_t *shape = image->told->shape;
    int64_t frames = image->files.frame_per_point;
    json_int_t whole = set[FRAMES] < 1 ? 1 : set[FRAMES];
    uint32_t rank = image->told->rank;
    json_t *list = json_array();
    list = oph__json_add(list, json_integer(whole > frames ? whole / frames : 1));
    list = oph__json_add(list, json_integer(whole > frames ? frames : whole));
    for (uint32_t i = 1; i < rank; i++) {
        int64_t part = set[WHOLE]      ? 0
                       : i + 1 == rank ? set[COLUMNS]
                       : i + 2 == rank ? set[ROWS]
                                       : 1;
        list = oph__json_add(list, json_integer(part_of(part, shape[i])));
    }
    return list;
}

/* Where it is */

/* As Tiled and ophyd-async have it, which leave a path as it is: %41 is that, and no A. Only what
 * would end the path there, or is dropped by them, is escaped. */
static void add_path(struct oph__buf *to, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)text[i];
        oph__buf_addf(to, c < ' ' || strchr("?#;", c) ? "%%%02X" : "%c", c);
    }
}

/* Of one file a frame: the folder and what all their names begin with. */
static json_t *uri(const struct oph__image *image)
{
    struct oph__buf buf = {0};
    oph__buf_add(&buf, "file://localhost");
    add_path(&buf, image->file, strlen(image->file));
    if (image->files.file_per_frame)
        add_path(&buf, image->files.file_name, strlen(image->files.file_name));
    json_t *text = buf.failed ? NULL : oph__json_string(buf.text);
    oph__buf_free(&buf);
    return text;
}

static void add_literal(struct oph__buf *to, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '{' || text[i] == '}') oph__buf_add_n(to, text + i, 1);
        add_path(to, text + i, 1);
    }
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

/* "%s%s_%6.6d.tiff": "_{:06d}.tiff", which comes after the URI. */
static int python_template(const struct oph__image *image, json_t **ret, oph_error *err)
{
    const char *text = image->files.file_template;
    const char *at = oph__starts(text, "%s%s") ? strchr(text + 4, '%') : NULL;
    struct oph__buf buf = {0};
    if (at) {
        add_literal(&buf, text + 4, (size_t)(at - text - 4));
        at = add_number(&buf, at + 1);
    }
    bool good = at && !strchr(at, '%');
    if (good) add_literal(&buf, at, strlen(at));
    *ret = good && !buf.failed ? oph__json_string(buf.text) : NULL;
    oph__buf_free(&buf);
    if (*ret) return 0;
    if (good) return oph__fail_memory(err, "a document");
    return oph__fail(err, OPH_EINVAL,
                     (struct oph__at){.device = oph_device_path(image->told->store)},
                     "a FileTemplate of the form \"%s%s_%6.6d.tiff\"", "\"%s\"", text);
}

/* The documents */

/* Readers make an array of points, frames of a point, and a frame of it; what the chunks of that
 * are in one file is said in full. Of one file a frame they are points, in words that older readers
 * understand, too, which put all frames in a row. */
static json_t *parameters_of(const struct oph__image *image, const int64_t *set, json_t *template)
{
    bool tiff = oph__equal(image->files.spec, "AD_TIFF"), many = template != NULL;
    json_int_t frames = image->files.frame_per_point;
    json_t *all = json_object();
    if (!tiff) all = oph__json_with(all, "dataset", json_string("/entry/data/data"));
    if (!tiff) all = oph__json_with(all, "swmr", json_boolean(set[SWMR] && !many));
    if (!many) all = oph__json_with(all, "join_method", json_string("stack"));
    all = oph__json_with(all, "chunk_shape", many ? json_pack("[i]", 1) : chunk_shape(image, set));
    all = oph__json_with(all, "multiplier", json_integer(frames));
    if (!many) return all;
    all = oph__json_with(all, "files_per_datum", json_integer(frames));
    return oph__json_with(all, "template", template);
}

/* Several HDF5 files are told from one by their template alone. */
int oph__stream_resource(struct oph__doc_run *run, struct oph__image *image, oph_error *err)
{
    bool tiff = oph__equal(image->files.spec, "AD_TIFF"), many = image->files.file_per_frame;
    const char *type = tiff ? "image/tiff" : "application/x-hdf5";
    char mimetype[64];
    int64_t set[SETTINGS] = {0};
    json_t *template = NULL;
    if (!image->files.spec[0]) return oph__image_unknown(image, err);
    int rc = many ? python_template(image, &template, err)
                  : ask_settings(run, image->told->store, set, err);
    if (rc) return rc;
    oph__format(mimetype, sizeof mimetype, many && tiff ? "multipart/related;type=%s" : "%s", type);
    return oph__doc_emit(run, "stream_resource",
                         json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "uid", image->resource,
                                   "data_key", image->told->key, "mimetype", mimetype, "uri",
                                   uri(image), "parameters", parameters_of(image, set, template),
                                   "run_start", run->uid),
                         err);
}

/* Counted in points, from 0; of each the files have frame_per_point frames, as the descriptor says.
 */
int oph__stream_datum(struct oph__doc_run *run, const struct oph__image *image, oph_error *err)
{
    json_int_t i = run->events;
    return oph__doc_emit(run, "stream_datum",
                         json_pack("{s:s, s:s, s:s, s:{s:I, s:I}, s:{s:I, s:I}}", "uid",
                                   image->datum, "stream_resource", image->resource, "descriptor",
                                   run->descriptor, "indices", "start", i, "stop", i + 1,
                                   "seq_nums", "start", i + 1, "stop", i + 2),
                         err);
}
