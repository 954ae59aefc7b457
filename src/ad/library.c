/* What a context of libcophyd comes with: libca, areaDetector's behaviours and its classes. */
#include "ad/buffer.h"
#include "ad/builtin_classes.h"
#include "ad/continuous_trigger.h"
#include "ad/file_store.h"
#include "ad/multi_trigger.h"
#include "ad/single_trigger.h"
#include "core/context.h"
#include <cophyd/class.h>

static const struct oph__trigger_ops *const triggers[] = {&oph__single_trigger, &oph__multi_trigger,
                                                          &oph__continuous_trigger, NULL};
static const struct oph__hook_ops *const hooks[] = {&oph__file_store, &oph__circular_buffer, NULL};
const struct oph__behaviours oph__builtin_behaviours = {.triggers = triggers, .hooks = hooks};

int oph_context_new(const oph_context_options *opt, oph_context **ret, oph_error *err)
{
    oph_context *ctx;
    int rc = oph__context_make(opt, oph__ca_ops(), &oph__builtin_behaviours, &ctx, err);
    if (rc) return rc;
    for (const struct oph__builtin_classes *b = oph__builtin_classes; !rc && b->name; b++)
        rc = oph_class_parse(ctx, b->text, b->name, NULL, err);
    if (rc) {
        oph_context_free(ctx);
        return rc;
    }
    *ret = ctx;
    return 0;
}
