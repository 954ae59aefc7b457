/* One run: what it is made of, and its documents.
 *
 * A plan (plan.c) is: oph__crew_stage; oph__doc_start; for each point its moves, oph__crew_trigger,
 * the time, and oph__doc_event, before the first of which comes oph__doc_describe;
 * oph__crew_unstage; oph__doc_stop. */
#ifndef DOC_RUN_H
#define DOC_RUN_H

#include "base/vec.h"
#include <cophyd/documents.h>
#include <cophyd/files.h>
#include <cophyd/group.h>
#include <cophyd/reading.h>
#include <cophyd/status.h>
#include <jansson.h>
#include <stdbool.h>

enum { OPH__UID = 37, OPH__PATH = 2048 };

/* What is read at each point: a detector or a signal. */
struct oph__object {
    oph_device *dev; /* NULL: a signal */
    oph_signal *sig;
    bool is_axis;
    char *name; /* "det", "det_cam_gain" */
    oph_descriptions *described;
};

/* An image, whose pixels are in files. */
struct oph__image {
    const oph_description *told;
    oph_files_info files;    /* as the newest point found them; frame_per_point 0: none yet */
    char file[OPH__PATH];    /* the file, or the folder of one a frame, as this machine names it */
    char resource[OPH__UID]; /* "": not told of yet */
    char datum[OPH__UID + 24]; /* of the newest point */
};

/* One key of the event stream. */
struct oph__field {
    const oph_description *told; /* its object's */
    struct oph__image *image;    /* NULL: a value */
    size_t entry;                /* of the group that reads it */
};

struct oph__doc_run {
    oph_context *ctx;
    oph_document_fn *sink;
    void *user;
    oph_count_options options;
    struct oph__object *objects;
    size_t object_count;
    struct oph__vec fields; /* struct oph__field, once the stream is described */
    oph_group *group;       /* reads all that are signals' */
    char uid[OPH__UID], descriptor[OPH__UID];
    double triggered; /* when the triggers of the newest point were done */
    int64_t events;
    bool begun, broken; /* there is a start document; the sink has failed */
};

double oph__doc_time(void); /* seconds since 1970 UTC */
void oph__doc_uid(char *ret);

/* Gives a document, which it takes over, to the sink; NULL: memory was short. */
int oph__doc_emit(struct oph__doc_run *run, const char *name, json_t *document, oph_error *err);

/* OPH_EINVAL where the metadata cannot be a start document's; *ret is NULL where there is none. */
int oph__metadata_parse(const char *text, json_t **ret, oph_error *err);
/* Takes over what the plan adds (NULL: there was no memory), and metadata, which may be NULL. */
int oph__doc_start(struct oph__doc_run *run, const char *plan, int64_t points, json_t *more,
                   json_t *metadata, oph_error *err);
/* Of what is read, but for the axes. */
json_t *oph__doc_names(const struct oph__doc_run *run);
/* Adds to why a run ended what is not as before; the code of either may be 0. */
void oph__doc_add(oph_error *cause, const oph_error *left);
/* `cause`: why the run ended before its end, or what is left; else its code is 0. */
int oph__doc_stop(struct oph__doc_run *run, const oph_error *cause, oph_error *err);

/* Asks what the objects' keys are, and their configuration: the descriptor. Once all were
 * triggered, since an image's size may not be known before. */
int oph__doc_describe(struct oph__doc_run *run, oph_error *err);

/* Where the images of the point that was just triggered are; OPH_EMISMATCH where its resource
 * cannot say so. */
int oph__image_look(const struct oph__doc_run *run, struct oph__image *image, oph_error *err);
/* Tells of them: once of the resource, then of the datum of the point. */
int oph__image_tell(struct oph__doc_run *run, struct oph__image *image, oph_error *err);
/* OPH_EINVAL: no document can tell of its files. */
int oph__image_unknown(const struct oph__image *image, oph_error *err);
/* The form of streams. */
int oph__stream_resource(struct oph__doc_run *run, struct oph__image *image, oph_error *err);
int oph__stream_datum(struct oph__doc_run *run, const struct oph__image *image, oph_error *err);

/* Reads, and tells of a point. */
int oph__doc_event(struct oph__doc_run *run, oph_error *err);
void oph__doc_clear(struct oph__doc_run *run);

/* Until all are done, or one has failed. timeout: 0: their own. */
int oph__doc_wait(oph_status *const *parts, size_t count, double timeout, oph_error *err);

/* The detectors of a run, together. */
struct oph__crew {
    oph_device *const *devices;
    size_t count;
    oph_report **reports; /* may be NULL */
};
/* All, or none. */
int oph__crew_stage(const struct oph__crew *crew, oph_error *err);
int oph__crew_unstage(const struct oph__crew *crew, oph_error *err);
/* Triggers, and waits for all. timeout: 0: what their settings make of it. */
int oph__crew_trigger(const struct oph__crew *crew, double timeout, oph_error *err);

#endif
