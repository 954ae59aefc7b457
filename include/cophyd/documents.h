/* Runs, and the documents that tell of them in the words of event-model 1.24, which Bluesky's
 * programs, databroker and Tiled read.
 *
 * In a library of its own (pkg-config cophyd-doc), since it needs jansson; cophyd.h does not
 * include this header.
 *
 *     rc = oph_document_lines_open("/data/runs.jsonl", &lines, &err);
 *     if (!rc) rc = oph_count(ctx, &det, 1, 10, oph_document_lines_write, lines, NULL, &err);
 *     oph_document_lines_free(lines); */
#ifndef COPHYD_DOCUMENTS_H
#define COPHYD_DOCUMENTS_H

#include <cophyd/device.h>
#include <cophyd/signal.h>

OPH_BEGIN_DECLS

/* Sinks */

/* Takes a document: its name ("start", "descriptor", "event", "stop" ...), and itself as a JSON
 * object in UTF-8, on one line without an end of line; length bytes and a NUL, the caller's. Called
 * on the thread that makes the run, in order, with no lock held. Anything but 0 ends the run, with
 * the error that it left in *err (never NULL), or, where that has no code, with OPH_EFILE; it is
 * not called again in that run, which then has no stop document. */
typedef int32_t oph_document_fn(void *user, const char *name, const char *json, size_t length,
                                oph_error *err);

/* JSON lines: each document is a line ["start",{...}]. */
typedef struct oph_document_lines oph_document_lines;

/* Appends to the file, which it makes where there is none. OPH_EFILE. */
OPH_API int oph_document_lines_open(const char *path, oph_document_lines **ret, oph_error *err);
/* Writes to a descriptor: a file, a pipe, a socket, standard output. It stays yours. */
OPH_API int oph_document_lines_new(int descriptor, oph_document_lines **ret, oph_error *err);
/* An oph_document_fn, whose user is the oph_document_lines. A line is written before it returns,
 * and with a stop document all that was written is on the disk, too. OPH_EFILE when it cannot be
 * written: a full disk (of a file the line's beginning is taken back), or nobody who reads the pipe
 * (no SIGPIPE is sent). OPH_ETIMEOUT when for 10 s nobody took anything from it. */
OPH_API int32_t oph_document_lines_write(void *lines, const char *name, const char *json,
                                         size_t length, oph_error *err);
/* Closes what oph_document_lines_open opened. NULL allowed. */
OPH_API void oph_document_lines_free(oph_document_lines *lines);

/* Runs */

/* How images are told of. */
enum oph_document_form {
    OPH_DOCUMENT_RESOURCE = 0, /* resource and datum, which databroker reads: spec, root, path,
                                  point number */
    OPH_DOCUMENT_STREAM = 1, /* stream_resource and stream_datum, which Tiled reads: MIME type, URI,
                                data set, range of points */
    OPH_DOCUMENT_PIN_ = INT32_MIN
};

/* Set `size` to sizeof(oph_count_options). Zero means the default that is named here. */
typedef struct oph_count_options {
    uint32_t size;
    int32_t form;               /* enum oph_document_form: resource */
    oph_signal *const *signals; /* read at each point beside the detectors */
    uint64_t signal_count;      /* none */
    const char *metadata; /* a JSON object: its members become the start document's, in place of
                             what the run would say there. Not uid and time, nor what is no valid
                             start document: OPH_EINVAL, or OPH_EPARSE. NULL: none */
    int64_t scan_id;      /* none */
    const char *root;     /* of resource documents: the folder, as this machine names it, that
                             paths are relative to; "/" */
    double timeout;       /* seconds for the trigger of a point; what its settings make of it */
    struct oph_report **reports; /* room for one a detector, which become yours: what its unstage,
                                    or a stage that failed, has to say; may be NULL */
} oph_count_options;

/* Bluesky's count: stages the detectors, all at once; then, `points` times, triggers them, waits
 * for all of them, reads them and the signals in one flush, and tells of it. What was staged is
 * always unstaged, before the stop document, so that files are complete when that comes.
 *
 *     start, descriptor, resource, { datum, event } x points, stop
 *
 * The descriptor and the resources come with the first point, since an image is known only then. A
 * point that fails ends the run: the stop document has exit_status "fail" and the error as its
 * reason; after oph_interrupt (OPH_EINTR), a cancel or an oph_stop (OPH_ECANCEL) "abort". A stage
 * that fails leaves no document at all. The first error is returned; an unstage that fails is one.
 *
 * - The keys are those of oph_describe; configuration is read once, with the first point. Signals
 *   are hinted where their kind is (oph_signal_set_kind).
 * - "time" is this machine's, but in "timestamps" the IOC's; of an image, when its trigger was
 * done.
 * - An enum is its index. Text that is no UTF-8 is taken for Latin-1. JSON has no NaN and no
 *   infinity: they become null, in arrays too. Who gives such documents to TiledWriter makes NaN of
 *   a null where dtype_numpy is a float's: a column that begins with null alone is text to it.
 * - Streams are as bluesky-tiled-plugins reads them: the array of a run has points, frames of a
 *   point, rows and columns. chunk_shape and swmr are what the HDF5 plugin was set to with the
 *   first point. Of one file a frame the URI is what all names begin with; "template" comes after.
 *   A path stands in the URI as it is, since Tiled decodes nothing; only ?, #, ; and control
 *   characters are escaped, and Tiled does not find files with these. Its server must be allowed
 *   to read the folder (tiled serve catalog --read FOLDER). While the run goes on it reads pixels
 *   only with SWMRMode On, and not while the file has frames of which no document told.
 * - Compressed files are read by those who import hdf5plugin: Tiled does, databroker does not.
 * - An image names the file that the IOC named, as this machine sees it, never a guess. A point
 * that is not what the documents before it said ends the run (OPH_EMISMATCH): another number of
 * frames, another file, a file number that the spec cannot tell.
 *
 * ctx: that of all detectors and signals. Each detector has a trigger; there is at least one, or a
 * signal, and 1 point. Several detectors are staged and unstaged by a thread each, so a function
 * that names their files (oph_files_set_name_function) runs there. opt may be NULL. Any thread but
 * the library's own. */
OPH_API int oph_count(oph_context *ctx, oph_device *const *detectors, size_t detector_count,
                      int64_t points, oph_document_fn *sink, void *user,
                      const oph_count_options *opt, oph_error *err);

OPH_END_DECLS

#endif
