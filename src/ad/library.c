/* What a context of libcophyd comes with: libca, areaDetector's behaviours and its classes. */
#include "ad/buffer.h"
#include "ad/builtin_classes.h"
#include "ad/continuous_trigger.h"
#include "ad/file_store.h"
#include "ad/motor.h"
#include "ad/multi_trigger.h"
#include "ad/single_trigger.h"
#include "core/context.h"

static const struct oph__trigger_ops *const triggers[] = {&oph__single_trigger, &oph__multi_trigger,
                                                          &oph__continuous_trigger, NULL};
static const struct oph__hook_ops *const hooks[] = {&oph__file_store, &oph__circular_buffer,
                                                    &oph__motor, NULL};
const struct oph__behaviours oph__builtin_behaviours = {.triggers = triggers, .hooks = hooks};

int oph_context_new(const oph_context_options *opt, oph_context **ret, oph_error *err)
{
    oph_context *ctx;
    int rc = oph__context_make(opt, oph__ca_ops(), &oph__builtin_behaviours, &ctx, err);
    if (rc) return rc;
    rc = oph__classes_shelve(ctx->classes, oph__builtin_classes, err);
    if (rc) {
        oph_context_free(ctx);
        return rc;
    }
    *ret = ctx;
    return 0;
}
