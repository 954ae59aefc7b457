/* cophyd doctor: what its checks share. A check looks at one thing, writes nothing to the IOC, and
 * adds what it found: one result where all is well, else one for each thing that is wrong. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/cli.h"

enum doctor_grade { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };

struct doctor_result {
    const char *check;
    enum doctor_grade grade;
    char *found, *advice; /* sentences; advice NULL: nothing is to be done */
};

struct doctor {
    struct cli *cli;
    oph_device *det, *cam; /* cam: NULL where the class has none */
    bool all;              /* lists are not cut */
    bool alone;            /* nothing of the IOC answers */
    bool failed;           /* no memory */
    const char *check;     /* the one that runs */
    struct doctor_result *results;
    size_t count;
    oph_findings *findings; /* of oph_validate; NULL before doctor_validate */
};

/* Adds to the check that runs. */
void doctor_add(struct doctor *d, enum doctor_grade grade, const char *advice, const char *format,
                ...) __attribute__((format(printf, 4, 5)));
/* How many results this check has. */
size_t doctor_count(const struct doctor *d);
/* Of a list, as many as are told; the rest is counted. */
size_t doctor_most(const struct doctor *d, size_t count);
/* An error of a call that should work. */
void doctor_error(struct doctor *d, const oph_error *err);

/* A signal's value as text; false, and "" where it cannot be read. */
bool doctor_text(oph_device *dev, const char *path, char *text, size_t size);
bool doctor_number(oph_device *dev, const char *path, double *ret);

/* Calls fn for each device of the tree that is of this class. */
void doctor_each(struct doctor *d, oph_device *dev, const char *class_name,
                 void (*fn)(struct doctor *d, oph_device *dev));

typedef void doctor_fn(struct doctor *d);

/* doctor_ioc.c */
doctor_fn doctor_connection, doctor_version, doctor_server, doctor_records, doctor_clock,
    doctor_journal;
/* How far the IOC's clock is ahead of this machine's at that moment, where one of both is known to
 * be wrong. */
void doctor_judge_clock(struct doctor *d, double ahead);

/* doctor_chain.c */
doctor_fn doctor_plugins, doctor_chain, doctor_callbacks, doctor_blocking, doctor_queues,
    doctor_camera_files;
/* Adds what oph_validate found of PVs with these endings, which end with NULL. */
void doctor_take_findings(struct doctor *d, const char *const *endings);

/* doctor_files.c */
doctor_fn doctor_folder, doctor_here, doctor_priming, doctor_filters;

/* doctor_settings.c */
doctor_fn doctor_setpoints;
/* All setpoints, as they are now. */
struct doctor_settings;
struct doctor_settings *doctor_settings_read(struct doctor *d); /* NULL: it has been told why */
void doctor_settings_free(struct doctor_settings *settings);
size_t doctor_settings_count(const struct doctor_settings *settings);
/* Adds each that was another before. */
void doctor_settings_compare(struct doctor *d, const struct doctor_settings *before,
                             const struct doctor_settings *after);

/* doctor_acquire.c: takes a test image. */
void doctor_acquire(struct doctor *d);

#endif
