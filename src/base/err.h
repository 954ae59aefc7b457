/* The one maker of errors and reports. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <cophyd/error.h>
#include <stdarg.h>

/* Where an error happened; any field may be left out. */
struct oph__at {
    const char *device; /* "det.cam.acquire_time" */
    const char *pv;
    double waited; /* seconds; 0 when nothing was waited for */
};

/* Fills *err (NULL allowed) and returns `code`, so that `return oph__fail(...)` reads well.
 * The sentence: "DEVICE (PV): wanted WANTED, found FOUND, after 1.0 s"; parts that are NULL or
 * empty are left out; with nothing wanted, `found` stands for itself: "DEVICE (PV): FOUND". It is a
 * printf format. Line ends and other control characters become spaces. */
int oph__fail(oph_error *err, int code, struct oph__at at, const char *wanted, const char *found,
              ...) __attribute__((format(printf, 5, 6)));

/* An error that names no PV: the text is the sentence. */
int oph__fail_text(oph_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Of an error that another one is to be made of, which oph__fail may put in its place: where it
 * happened; and what was found, or all of one whose text is the sentence. */
struct oph__at oph__error_at(const oph_error *err);
const char *oph__error_found(const oph_error *err);

/* "no memory" for `what`. */
int oph__fail_memory(oph_error *err, const char *what);

/* Reports. Adding never fails: when memory is short the report says so in its last line. */
oph_report *oph__report_new(void); /* may be NULL: the calls below take that */
void oph__report_add(oph_report *report, const oph_error *err);
/* A failure of one of several things: it is added, and the first of them is the error. `rc` is what
 * came of those before it; returns what is to be returned. */
int oph__report_note(oph_report *report, const oph_error *one, int rc, oph_error *err);
/* Hands the report to the caller, or frees it when the caller did not want it. */
void oph__report_give(oph_report *report, oph_report **ret);

#endif
