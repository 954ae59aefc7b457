#include "core/states.h"

#define GO(state)                                                                                  \
    {                                                                                              \
        OPH__GO, OPH_STATE_##state, NULL                                                           \
    }
#define STOP(state)                                                                                \
    {                                                                                              \
        OPH__STOP, OPH_STATE_##state, NULL                                                         \
    }
#define NOTHING(state)                                                                             \
    {                                                                                              \
        OPH__NOTHING, OPH_STATE_##state, NULL                                                      \
    }
#define REFUSE(state, why)                                                                         \
    {                                                                                              \
        OPH__REFUSE, OPH_STATE_##state, why                                                        \
    }

#define BUSY_STAGING "another thread is staging it"
#define BUSY_UNSTAGING "another thread is unstaging it"
#define NOT_STAGED "it is not staged"
#define IS_STAGED "it is already staged"
#define IS_ACQUIRING "it is acquiring"
#define HAS_FAILED "it is staged, and its acquisition failed: unstage it first"

/* Columns: idle, staging, staged, triggering, failed, unstaging. */
static const struct oph__rule rules[OPH__VERB_COUNT][OPH__STATE_COUNT] = {
    [OPH__VERB_CONNECT] = {GO(IDLE), REFUSE(STAGING, BUSY_STAGING), GO(STAGED), GO(TRIGGERING),
                           GO(FAILED), REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_STAGE] = {GO(STAGING), REFUSE(STAGING, BUSY_STAGING), REFUSE(STAGED, IS_STAGED),
                         REFUSE(TRIGGERING, IS_ACQUIRING), REFUSE(FAILED, HAS_FAILED),
                         REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_TRIGGER] = {REFUSE(IDLE, NOT_STAGED), REFUSE(STAGING, BUSY_STAGING), GO(TRIGGERING),
                           REFUSE(TRIGGERING, IS_ACQUIRING), GO(TRIGGERING),
                           REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_UNSTAGE] = {NOTHING(IDLE), REFUSE(STAGING, BUSY_STAGING), STOP(UNSTAGING),
                           STOP(UNSTAGING), STOP(UNSTAGING), REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_FILES] = {GO(IDLE), REFUSE(STAGING, BUSY_STAGING), GO(STAGED), GO(TRIGGERING),
                         GO(FAILED), GO(UNSTAGING)},
    [OPH__VERB_WARMUP] = {GO(STAGING), REFUSE(STAGING, BUSY_STAGING), REFUSE(STAGED, IS_STAGED),
                          REFUSE(TRIGGERING, IS_ACQUIRING), REFUSE(FAILED, HAS_FAILED),
                          REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_STOP] = {NOTHING(IDLE), STOP(STAGING), STOP(STAGED), STOP(TRIGGERING), STOP(FAILED),
                        REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_PREPARE] = {REFUSE(IDLE, NOT_STAGED), REFUSE(STAGING, BUSY_STAGING), GO(TRIGGERING),
                           REFUSE(TRIGGERING, IS_ACQUIRING), GO(TRIGGERING),
                           REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_KICKOFF] = {REFUSE(IDLE, NOT_STAGED), REFUSE(STAGING, BUSY_STAGING), GO(TRIGGERING),
                           REFUSE(TRIGGERING, IS_ACQUIRING), GO(TRIGGERING),
                           REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_COMPLETE] = {REFUSE(IDLE, NOT_STAGED), REFUSE(STAGING, BUSY_STAGING), GO(STAGED),
                            GO(TRIGGERING), GO(FAILED), REFUSE(UNSTAGING, BUSY_UNSTAGING)},
    [OPH__VERB_PLAN] = {GO(STAGING), REFUSE(STAGING, BUSY_STAGING), REFUSE(STAGED, IS_STAGED),
                        REFUSE(TRIGGERING, IS_ACQUIRING), REFUSE(FAILED, HAS_FAILED),
                        REFUSE(UNSTAGING, BUSY_UNSTAGING)},
};

const struct oph__rule *oph__rule_for(enum oph__verb verb, int32_t state)
{
    return &rules[verb][state];
}

const char *oph__verb_name(enum oph__verb verb)
{
    static const char *const names[OPH__VERB_COUNT] = {
        "connect", "stage",   "trigger",  "unstage",  "set templates", "warm up",
        "stop",    "prepare", "kick off", "complete", "plan"};
    return names[verb];
}

const char *oph_state_name(int32_t state)
{
    static const char *const names[OPH__STATE_COUNT] = {"idle",       "staging", "staged",
                                                        "triggering", "failed",  "unstaging"};
    return state >= 0 && state < OPH__STATE_COUNT ? names[state] : "unknown";
}
