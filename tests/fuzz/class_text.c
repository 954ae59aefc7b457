/* Class texts: what is taken can be made, and what is written of it is taken again, as the same. */
#include "base/str.h"
#include "core/classtext.h"
#include "core/context.h"
#include "fuzz/fuzz.h"
#include "lib/fake_link.h"

#include <cophyd/class.h>
#include <stdlib.h>
#include <string.h>

static oph_context *ctx;

static struct oph__classes *new_classes(void)
{
    struct oph__classes *classes;

    fuzz_claim(oph__classes_new(NULL, NULL, &classes, NULL) == 0, "there are classes");
    return classes;
}

static char *text_of(struct oph__classes *classes, const char *name, uint32_t flags)
{
    size_t length;
    oph_error err = OPH_ERROR_INIT;

    ctx->classes = classes;
    fuzz_claim(oph_class_text(ctx, name, flags, NULL, 0, &length, &err) == 0, "%s is written: %s",
               name, err.text);
    char *text = malloc(length + 1);
    fuzz_claim(text && !oph_class_text(ctx, name, flags, text, length + 1, NULL, &err),
               "%s is written again: %s", name, err.text);
    return text;
}

static void is_taken(const char *text)
{
    struct oph__classes *classes = new_classes();
    oph_error err = OPH_ERROR_INIT;

    fuzz_claim(oph__classes_parse(classes, text, "flat", NULL, &err) == 0,
               "what was written is taken: %s\n%s", err.text, text);
    oph__classes_free(classes);
}

/* Whether each class can be made; and all of them written, one after the other. */
static char *write_all(struct oph__classes *classes)
{
    struct oph__buf all = {0};

    ctx->classes = classes;
    for (size_t i = 0; i < oph_class_count(ctx); i++) {
        const char *name = oph_class_name_at(ctx, i);
        const struct oph__class *cls;
        oph_error err = OPH_ERROR_INIT;
        int rc = oph__classes_get(classes, name, 0, &cls, &err);
        fuzz_claim(rc == 0, "%s is made: %s", name, err.text);
        oph__classes_get(classes, name, 3004, &cls, &err);
        char *text = text_of(classes, name, 0);
        oph__buf_add(&all, text);
        free(text);
    }
    return all.text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    char *text = fuzz_rest(&in);
    struct oph__classes *classes = new_classes(), *others = new_classes();
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (!ctx) {
        fake_begin();
        ctx = fake_context("class None\nrow none None ro int config\n", NULL);
    }
    struct oph__classes *own = ctx->classes;
    if (oph__classes_parse(classes, text, "text", &report, &err) == 0) {
        char *written = write_all(classes);
        fuzz_claim(oph__classes_parse(others, written, "written", NULL, &err) == 0,
                   "what was written is taken: %s\n%s", err.text, written);
        char *again = write_all(others);
        fuzz_claim(strcmp(written, again) == 0, "it is the same:\n%s\n%s", written, again);
        ctx->classes = classes;
        char *flat = text_of(classes, oph_class_name_at(ctx, 0), OPH_CLASS_FLAT);
        if (!strstr(flat, "\ndev ")) is_taken(flat); /* else it wants the classes of its devices */
        free(flat);
        free(again);
        free(written);
    } else {
        fuzz_claim(err.code < 0 && *err.text, "an error has a sentence");
    }
    ctx->classes = own;
    oph_report_free(report);
    oph__classes_free(others);
    oph__classes_free(classes);
    free(text);
    return 0;
}
