/* What each verb does in each state. */
#ifndef CORE_STATES_H
#define CORE_STATES_H

#include <cophyd/device.h>
#include <stdbool.h>

enum oph__verb {
    OPH__VERB_CONNECT,
    OPH__VERB_STAGE,
    OPH__VERB_TRIGGER,
    OPH__VERB_UNSTAGE,
    OPH__VERB_FILES, /* set templates */
    OPH__VERB_WARMUP,
    OPH__VERB_STOP,
    OPH__VERB_PREPARE, /* a series */
    OPH__VERB_KICKOFF,
    OPH__VERB_COMPLETE,
    OPH__VERB_PLAN,
    OPH__VERB_COUNT
};
enum { OPH__STATE_COUNT = OPH_STATE_UNSTAGING + 1 };

enum oph__answer {
    OPH__REFUSE,  /* OPH_ESTATE with `why` */
    OPH__GO,      /* the device enters `next` */
    OPH__NOTHING, /* nothing to do: success at once */
    OPH__STOP     /* stop what runs, then go */
};

struct oph__rule {
    enum oph__answer answer;
    int32_t next;    /* state while the verb works; the state itself where it stays */
    const char *why; /* of a refusal: "it is already staged" */
};

const struct oph__rule *oph__rule_for(enum oph__verb verb, int32_t state);
const char *oph__verb_name(enum oph__verb verb);

#endif
