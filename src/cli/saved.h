/* The settings of a detector, as they are and as a file has them: for save, diff and apply. */
#ifndef CLI_SAVED_H
#define CLI_SAVED_H

#include "cli/cli.h"

/* One setting, of the IOC now. */
struct saved {
    oph_signal *sig;
    const oph_value *value; /* the setpoint; the list's */
    char *label;            /* of a former enum whose label it is; the list's; else NULL */
    char *text;             /* of a former text, all of it as it is; the list's; else NULL */
    bool unset;             /* nobody has set it since the IOC started */
    /* What it is put back to: the value, or the readback of what is unset. */
    const oph_value *former;
    /* With a file: */
    oph_setting wanted;
    bool differs;
};
struct saved_list {
    struct saved *at;
    size_t count;
    oph_group *values, *readbacks;
};

/* All that can be set and stays: no actions, no counters, no arrays. */
int saved_read_all(struct cli *cli, oph_device *det, struct saved_list *ret);
/* Those that a file names, in its order, and whether they differ. The detector's own list of
 * settings becomes the file's. */
int saved_read_file(struct cli *cli, oph_device *det, const char *file, struct saved_list *ret);
void saved_free(struct saved_list *list);

/* The text that it is, or the label; NULL: a number. */
const char *saved_chars(const struct saved *s);
/* What the IOC has for a person to read, "never set" too, into text[size]; returns text. What is
 * cut ends in "...". */
const char *saved_text(const struct saved *s, char *text, size_t size);
/* The same for a program, all of it; null where nobody has set it. The caller's. */
json_t *saved_json(const struct saved *s);

#endif
