/* What is done with all detectors of a run at a time. */
#include "base/err.h"
#include "base/thread.h"
#include "doc/run.h"
#include <cophyd/acquire.h>
#include <cophyd/stage.h>
#include <cophyd/status.h>
#include <pthread.h>
#include <stdlib.h>

typedef int verb_fn(oph_device *dev, oph_report **ret_report, oph_error *err);

struct job {
    verb_fn *verb; /* NULL: nothing to do */
    oph_device *dev;
    oph_report *report;
    oph_error error;
    pthread_t thread;
    bool threaded;
};

static void *run_job(void *arg)
{
    struct job *job = arg;
    if (job->verb) job->verb(job->dev, &job->report, &job->error);
    return NULL;
}

/* The first detector's is done here, as are those for which there is no thread. */
static void run_jobs(struct job *jobs, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (jobs[i].verb) jobs[i].threaded = !oph__thread_start(&jobs[i].thread, run_job, &jobs[i]);
    for (size_t i = 0; i < count; i++)
        if (!jobs[i].threaded) run_job(&jobs[i]);
    for (size_t i = 0; i < count; i++)
        if (jobs[i].threaded) pthread_join(jobs[i].thread, NULL);
}

static struct job *new_jobs(const struct oph__crew *crew, verb_fn *verb, oph_error *err)
{
    struct job *jobs = calloc(crew->count, sizeof *jobs);
    if (!jobs) oph__fail_memory(err, "a run");
    for (size_t i = 0; jobs && i < crew->count; i++)
        jobs[i] = (struct job){.verb = verb, .dev = crew->devices[i]};
    return jobs;
}

/* The first error counts. What was reported before is kept where there is nothing new to say. */
static int end_jobs(const struct oph__crew *crew, struct job *jobs, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < crew->count; i++) {
        oph_report **to = crew->reports ? &crew->reports[i] : NULL;
        if (!rc && jobs[i].error.code && err) *err = jobs[i].error;
        if (!rc) rc = jobs[i].error.code;
        if (to && oph_report_count(jobs[i].report)) {
            oph_report *former = *to;
            *to = jobs[i].report;
            jobs[i].report = former;
        }
        oph_report_free(jobs[i].report);
    }
    free(jobs);
    return rc;
}

/* With one that cannot be staged the others are of no use. */
int oph__crew_stage(const struct oph__crew *crew, oph_error *err)
{
    if (!crew->count) return 0;
    struct job *back = new_jobs(crew, oph_unstage, err);
    struct job *jobs = back ? new_jobs(crew, oph_stage, err) : NULL;
    bool failed = false;
    if (!jobs) {
        free(back);
        return OPH_ENOMEM;
    }
    run_jobs(jobs, crew->count);
    for (size_t i = 0; i < crew->count; i++) {
        if (!jobs[i].error.code) continue;
        failed = true;
        back[i].verb = NULL;
    }
    oph_error left = OPH_ERROR_INIT;
    int rc = end_jobs(crew, jobs, err);
    if (failed) run_jobs(back, crew->count);
    end_jobs(crew, back, &left);
    if (rc && err && !crew->reports) oph__doc_add(err, &left);
    return rc;
}

int oph__crew_unstage(const struct oph__crew *crew, oph_error *err)
{
    if (!crew->count) return 0;
    struct job *jobs = new_jobs(crew, oph_unstage, NULL);
    int rc = 0;
    if (jobs) {
        run_jobs(jobs, crew->count);
        return end_jobs(crew, jobs, err);
    }
    for (size_t i = 0; i < crew->count; i++) { /* without memory, one after the other */
        oph_report *report = NULL;
        int failed = oph_unstage(crew->devices[i], &report, rc ? NULL : err);
        oph_report_free(report);
        if (!rc) rc = failed;
    }
    return rc;
}

/* One by itself says better who was waited for. */
int oph__doc_wait(oph_status *const *parts, size_t count, double timeout, oph_error *err)
{
    oph_status *all;
    int rc = 0;
    if (count == 1)
        all = oph_status_ref(parts[0]);
    else
        rc = oph_status_all(parts, count, &all, err);
    if (rc) return rc;
    rc = oph_status_wait(all, timeout > 0 ? timeout : OPH_DEFAULT, err);
    oph_status_unref(all);
    return rc;
}

/* What was started when another one fails is stopped by its unstage. */
int oph__crew_trigger(const struct oph__crew *crew, double timeout, oph_error *err)
{
    if (!crew->count) return 0;
    oph_status **parts = calloc(crew->count, sizeof(oph_status *));
    size_t count = 0;
    int rc = parts ? 0 : oph__fail_memory(err, "a run");
    for (; !rc && count < crew->count; count++)
        rc = oph_trigger(crew->devices[count], &parts[count], err);
    if (!rc) rc = oph__doc_wait(parts, count, timeout, err);
    for (size_t i = 0; parts && i < crew->count; i++)
        oph_status_unref(parts[i]);
    free(parts);
    return rc;
}
