/* What went wrong: one error, or a report that lists several. */
#ifndef COPHYD_ERROR_H
#define COPHYD_ERROR_H

#include <cophyd/api.h>

OPH_BEGIN_DECLS

/* Every function that can fail returns 0 or one of these. */
enum oph_code {
    OPH_OK = 0,
    OPH_EINVAL = -1,     /* an argument is wrong */
    OPH_ENOMEM = -2,     /* no memory */
    OPH_ENOTFOUND = -3,  /* no such class, device, attribute or setting */
    OPH_EPARSE = -4,     /* a text (class, settings, template) is wrong */
    OPH_ESTATE = -5,     /* the device's state, or what a killed client left, forbids this verb */
    OPH_ETIMEOUT = -6,   /* not done in time */
    OPH_EDISCONN = -7,   /* the PV is not connected, or was lost */
    OPH_EABSENT = -8,    /* this IOC does not have the record */
    OPH_EACCESS = -9,    /* no read or write access */
    OPH_ETYPE = -10,     /* the value's type does not fit the PV */
    OPH_ERANGE = -11,    /* label, index, length or number that the PV cannot hold */
    OPH_EPUT = -12,      /* the IOC refused the put */
    OPH_EMISMATCH = -13, /* the readback did not become what was asked for */
    OPH_EACQUIRE = -14,  /* the acquisition failed */
    OPH_EUNPRIMED = -15, /* the file plugin has never seen a frame and LazyOpen is off */
    OPH_EBUSY = -16,     /* in use: by an acquisition, another client, a put or a writer of files */
    OPH_EFILE = -17,     /* a file or folder, here or at the IOC, is not as it has to be */
    OPH_ECANCEL = -18,   /* cancelled */
    OPH_EINTR = -19,     /* oph_interrupt was called */
    OPH_EDEADLK = -20,   /* this call, made in a callback, could never return */
    OPH_EFORK = -21,     /* the context belongs to the parent process */
    OPH_ECA = -22,       /* Channel Access itself failed */
    OPH_ESYSTEM = -23,   /* the operating system refused a thread, a lock or a file */
    OPH_CODE_PIN_ = INT32_MIN
};

/* The name of a code, as "OPH_ETIMEOUT"; "OPH_?" for anything else. Static. */
OPH_API const char *oph_code_name(int32_t code);

/* One error. Plain data, copied by assignment. `text` is the whole sentence; the fields before it
 * are its parts, empty where they do not apply. A part that was cut for length ends in "[cut]". */
typedef struct oph_error {
    int32_t code; /* 0, or one of enum oph_code */
    int32_t reserved;
    double waited;    /* seconds; negative when nothing was waited for */
    char device[128]; /* "det.cam.acquire_time" */
    char pv[128];     /* "Pilatus:cam1:AcquireTime" */
    char wanted[320];
    char found[640];
    char text[1280];
} oph_error;

/* clang-format off */
#ifdef __cplusplus
#define OPH_ERROR_INIT {}
#else
#define OPH_ERROR_INIT {0}
#endif
/* clang-format on */

/* One line "cophyd: SENTENCE". Prints nothing when code is 0. */
OPH_API void oph_error_print(const oph_error *err, FILE *out);

/* Several errors, in the order in which they were found. Yours: free it; NULL is an empty one. */
typedef struct oph_report oph_report;
OPH_API size_t oph_report_count(const oph_report *report);
/* Borrowed; NULL when there is no such entry. */
OPH_API const oph_error *oph_report_at(const oph_report *report, size_t index);
/* One line an entry. */
OPH_API void oph_report_print(const oph_report *report, FILE *out);
OPH_API void oph_report_free(oph_report *report);

OPH_END_DECLS

#endif
