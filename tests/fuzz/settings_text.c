/* Settings as text: what is taken is printed so that it is taken again, as the same. */
#include "fuzz/fuzz.h"
#include "lib/things.h"

#include <cophyd/settings.h>
#include <stdlib.h>
#include <string.h>

static char *print(const oph_device *dev)
{
    size_t length = 0;
    oph_error err = OPH_ERROR_INIT;

    fuzz_claim(oph_settings_print(dev, NULL, 0, &length, &err) == 0, "it is printed: %s", err.text);
    char *text = malloc(length + 1);
    fuzz_claim(text && !oph_settings_print(dev, text, length + 1, NULL, &err),
               "it is printed again: %s", err.text);
    return text;
}

static void show(const oph_device *dev, size_t room)
{
    char *text = malloc(room);

    fuzz_claim(text != NULL, "there is memory");
    size_t length = oph_settings_text(dev, text, room);
    fuzz_claim(strlen(text) <= length && (strlen(text) == length || length >= room),
               "a text of %zu is cut at %zu", length, room);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static oph_device *dev;
    struct fuzz_in in = {data, size};
    char *text = fuzz_rest(&in);
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (!dev) dev = things_begin();
    if (oph_settings_parse(dev, text, "text", OPH_SETTINGS_REPLACE, &report, &err) == 0) {
        char *first = print(dev);
        fuzz_claim(oph_settings_parse(dev, first, "printed", OPH_SETTINGS_REPLACE, NULL, &err) == 0,
                   "what was printed is taken: %s\n%s", err.text, first);
        char *again = print(dev);
        fuzz_claim(strcmp(first, again) == 0, "it is the same:\n%s\n%s", first, again);
        show(dev, 1 + size % 64);
        free(again);
        free(first);
    } else {
        fuzz_claim(err.code < 0 && *err.text, "an error has a sentence");
    }
    oph_report_free(report);
    free(text);
    return 0;
}
