/* A Channel Access link over PVs in memory, for tests of src/core without a network.
 *
 * There is one IOC a process. Its callbacks come from a thread of its own, one at a time, as
 * libca's do; requests are carried out in the order of the calls, once they are flushed. Setting a
 * PV sets the PV of that name with _RBV too, as the PV's rule says. */
#ifndef TESTS_FAKE_LINK_H
#define TESTS_FAKE_LINK_H

#include "core/context.h"

/* What becomes of a put. */
enum fake_rule {
    FAKE_FOLLOW,    /* setpoint and readback take it */
    FAKE_PATH,      /* and the readback adds a separator */
    FAKE_IGNORE,    /* the readback stays; a PV without one stays itself */
    FAKE_CLAMP,     /* the readback takes no more than 10 */
    FAKE_FALL_BACK, /* the setpoint falls back to 0, the readback stays */
    FAKE_REFUSE,    /* nothing changes, the completion fails */
    FAKE_WITHHOLD,  /* it is taken, the completion waits for fake_release */
    FAKE_BLIP,      /* nothing changes: the PV goes down, and comes up at once */
    FAKE_LOSE       /* nothing changes: the PV goes down, and stays so */
};

/* Starts the IOC without PVs; ends it. fake_end: 0 when no channel is left, else how many are. */
void fake_begin(void);
int fake_end(void);
/* A context over it, with short timeouts, that knows the classes of the text. */
oph_context *fake_context(const char *classes, const struct oph__behaviours *behaviours);
oph_context *fake_context_with(const oph_context_options *options, const char *classes,
                               const struct oph__behaviours *behaviours);

/* Adds a PV that is up. `labels` as "Single,Multiple"; "" for none. `value` as text. */
void fake_pv(const char *name, int32_t dtype, uint32_t count, const char *labels,
             const char *value);
void fake_rule(const char *name, enum fake_rule rule);
/* The rule for the put number `nth` (1 is the next one) alone, whatever PV it goes to. */
void fake_rule_nth(int nth, enum fake_rule rule);
void fake_read_only(const char *name);
void fake_undefined(const char *name); /* never written: invalid, alarm UDF */

/* These return when the callbacks have run. NULL: all PVs. */
void fake_set(const char *name, const char *value);  /* as another client; _RBV stays */
void fake_then(const char *name, const char *value); /* the same, after it was read once */
void fake_down(const char *name);
void fake_up(const char *name);
void fake_release(const char *name);                    /* completes a put that was withheld */
void fake_labels(const char *name, const char *labels); /* others; those that follow are told */
void fake_limits(const char *name, double low, double high); /* the control limits, likewise */

bool fake_is(const char *name, const char *value);
void fake_wait_put(const char *name); /* until a put to it has arrived */
void fake_wait_flushes(int count);    /* until there were so many, and all is answered */

/* The puts that arrived, in order: "X=1 Y=2"; X~1 for those without completion. */
const char *fake_puts(void);
void fake_forget_puts(void);
void fake_puts_are(const char *wanted, const char *what); /* testOk that they are; forgets them */
int fake_opened(void);                                    /* links */
int fake_followed(void);  /* channels that follow their properties, enums too */
int fake_flushes(void);   /* so far */
int fake_gets(void);      /* so far */
int fake_abandoned(void); /* puts given up, so far */

/* testOk that rc is the code wanted, and that the error says the same; shows the sentence. Returns
 * whether it was so. */
int fake_code(int rc, int wanted, const oph_error *err, const char *what);

#endif
