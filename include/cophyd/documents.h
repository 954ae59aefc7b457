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
#include <cophyd/error.h>
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

/* Kafka */

/* Sends runs to a topic of a Kafka cluster, as bluesky-kafka's consumers read them: a message is
 * MessagePack of [name, document], and its key the run's uid, so that all of a run is in one
 * partition, in order. Beamlines name the topic BEAMLINE.bluesky.runengine.documents.
 *
 * Brokers that are slow or away do not end a run. Its documents wait in a queue of bounded length,
 * and are also written to FOLDER/UID.jsonl. The stop document waits for all to be acknowledged:
 * when they were, the file is removed; else it stays, and the stop document's error, with which the
 * run ends then, tells how many were not, why, and the file's name: oph_documents_replay sends it
 * again. From the first document that is lost on (refused, too large, no room in the queue) the
 * rest of the run goes to the file alone, so that consumers see the beginning of a run, never one
 * with gaps. One run at a time, on one thread at a time. */
typedef struct oph_document_kafka oph_document_kafka;

/* Set `size` to sizeof(oph_document_kafka_options). Zero means the default that is named here. */
typedef struct oph_document_kafka_options {
    uint32_t size;
    uint32_t queue_length; /* documents that wait for the brokers at most: 100,000, of 256 MiB */
    const char *const *properties; /* more of librdkafka's, as "security.protocol=SASL_SSL", ended
                                      by NULL: none. Those of this library can be replaced so, too:
                                      enable.idempotence=true, enable.gapless.guarantee=true (no
                                      gaps, no repeats; acks=all), client.id=cophyd,
                                      reconnect.backoff.max.ms=1000 */
    double hold_timeout;           /* seconds that a full queue may hold up a run, in all: 10 */
    double delivery_timeout; /* seconds after which a document is lost: as long as the run lasts */
    double flush_timeout;    /* seconds that a stop document waits: 10 */
} oph_document_kafka_options;

/* brokers: "host:9092,other:9092". folder: where runs are kept until they are delivered; NULL:
 * nowhere, and a run ends with the first document that is lost: for replaying. opt may be NULL.
 * Needs no broker: that there is none shows at the end of a run, or with
 * oph_document_kafka_check. OPH_EINVAL for what librdkafka refuses, OPH_EFILE for a folder that
 * cannot be written to, OPH_EABSENT where this library was built without librdkafka. Nothing of
 * librdkafka's own is printed. */
OPH_API int oph_document_kafka_open(const char *brokers, const char *topic, const char *folder,
                                    const oph_document_kafka_options *opt, oph_document_kafka **ret,
                                    oph_error *err);
/* Asks whether the brokers answer and have the topic: OPH_ETIMEOUT, OPH_EFILE. timeout: seconds;
 * OPH_DEFAULT: 5. */
OPH_API int oph_document_kafka_check(oph_document_kafka *kafka, double timeout, oph_error *err);
/* An oph_document_fn, whose user is the oph_document_kafka. A start document is refused where its
 * file cannot be made or is there already; a stop document where not all of its run was delivered:
 * OPH_ETIMEOUT when the brokers did not acknowledge it in time, OPH_EFILE when they refused a
 * document. Another is refused only when neither the brokers nor the file take it. OPH_EFORK in a
 * child process. */
OPH_API int32_t oph_document_kafka_write(void *kafka, const char *name, const char *json,
                                         size_t length, oph_error *err);
/* Does what a stop document does, for documents that none came after; else tells again how the last
 * run ended, since a run that failed returns its own error. timeout: seconds; OPH_DEFAULT: the
 * option's. */
OPH_API int oph_document_kafka_flush(oph_document_kafka *kafka, double timeout, oph_error *err);
/* Drops what was not delivered; its file stays. Takes 5 s at most. NULL allowed. */
OPH_API void oph_document_kafka_free(oph_document_kafka *kafka);

/* Replaying */

/* What a file of JSON lines had. */
typedef struct oph_replayed {
    uint64_t documents; /* that the sink took */
    uint64_t runs;      /* start documents among them */
    uint64_t complete;  /* runs whose stop document came, too */
} oph_replayed;

/* Gives each document of a file of JSON lines to a sink, as a run would, with the text as it is in
 * the file; empty lines are passed over. What was sent before may be sent again: documents have
 * uids, by which consumers know them.
 *
 * The documents before a mistake have been given to the sink when it is found: OPH_EPARSE for a
 * line that is no document, one of more than 64 MiB, or a last one that is cut off, as a killed
 * program leaves it; OPH_EFILE when the file cannot be read. All name file and line.
 * An error of the sink ends it, too. *ret is written on success. The report, which is yours, also
 * on failure, names each run that has no stop document up to there (none where the sink refused
 * one); that alone is no error. Both may be NULL. What is in the file when it is opened is
 * replayed, so that the sink may append to it. */
OPH_API int oph_documents_replay(const char *file, oph_document_fn *sink, void *user,
                                 oph_replayed *ret, oph_report **ret_report, oph_error *err);

/* Runs */

/* How images are told of. */
enum oph_document_form {
    OPH_DOCUMENT_RESOURCE = 0, /* resource and datum, which databroker reads: spec, root, path,
                                  point number */
    OPH_DOCUMENT_STREAM = 1, /* stream_resource and stream_datum, which Tiled reads: MIME type, URI,
                                data set, range of points */
    OPH_DOCUMENT_PIN_ = INT32_MIN
};

/* How far a run is, as for a progress bar. */
typedef struct oph_run_point {
    uint32_t size; /* sizeof(oph_run_point) */
    uint32_t reserved;
    int64_t done, points;
    double elapsed;   /* seconds since the first point began */
    double remaining; /* at the pace so far */
    const char *file; /* the first image's, as this machine names it, or its folder; NULL: none.
                         Borrowed until the function returns */
} oph_run_point;
typedef void oph_run_point_fn(void *user, const oph_run_point *point);

/* Of counts and scans. Set `size` to sizeof(oph_count_options). Zero means the default that is
 * named here. */
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
    double delay;        /* seconds from the beginning of a point to that of the next, at least */
    double move_timeout; /* of a scan: seconds for an axis to be there; a motor's as oph_move has
                            it, the context's for a signal */
    oph_run_point_fn *progress; /* called after each point, on the thread that makes the run, with
                                   no lock held; may be NULL */
    void *progress_user;
} oph_count_options;

/* Bluesky's count: stages the detectors, all at once; then, `points` times, triggers them, waits
 * for all of them, reads them and the signals in one flush, and tells of it. What was staged is
 * always unstaged, before the stop document, so that files are complete when that comes.
 *
 *     start, descriptor, resource, { datum, event } x points, stop
 *
 * The descriptor and the resources come with the first point, since an image is known only then. A
 * point that fails ends the run: the stop document has exit_status "fail" and the error, which
 * begins with the point ("point 2 of 3, m1 at 0.5: ..."), as its reason; after oph_interrupt
 * (OPH_EINTR), a cancel or an oph_stop (OPH_ECANCEL) "abort". A stage that fails leaves no document
 * at all. The first error is returned; an unstage that fails is one, and where there are no
 * reports it is told with the first, too.
 *
 * - The keys are those of oph_describe; configuration is read once, with the first point. Signals
 *   are hinted where their kind is (oph_signal_set_kind).
 * - "time" is this machine's, but in "timestamps" the IOC's; of an image, when its trigger was
 *   done.
 * - An enum is its index, or its label where its row says text. Text that is no UTF-8 is taken for
 *   Latin-1. JSON has no NaN and no infinity: they become null, in arrays too. Who gives such
 *   documents to TiledWriter makes NaN of a null where dtype_numpy is a float's: a column that
 *   begins with null alone is text to it.
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

/* What a scan moves: a motor (class EpicsMotor), or a signal that can be put to, whose readback
 * must follow; the other is NULL. */
typedef struct oph_scan_axis {
    oph_device *motor;
    oph_signal *signal;
    double start, stop;
} oph_scan_axis;

/* Bluesky's scan: a count whose axes move before each trigger, all at once, in equal steps from
 * start to stop, and are waited for. They are read at each point like the detectors, of which there
 * may be none. The start document names them in "motors", "plan_args" and the dimension of its
 * hints.
 *
 * Start and stop are checked before anything is staged or moved: OPH_ERANGE outside the limits, and
 * what else oph_move refuses. A move that fails ends the run as a trigger does. However a run fails
 * or is interrupted, motors that move are stopped, and waited for, before the detectors are
 * unstaged; oph_stop of a motor from another thread ends it, too. Motors stay where the run ends.
 * The rest is as with oph_count. */
OPH_API int oph_scan(oph_context *ctx, oph_device *const *detectors, size_t detector_count,
                     const oph_scan_axis *axes, size_t axis_count, int64_t points,
                     oph_document_fn *sink, void *user, const oph_count_options *opt,
                     oph_error *err);

OPH_END_DECLS

#endif
