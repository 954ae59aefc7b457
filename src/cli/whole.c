#include "cli/whole.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void whole_attr(const char *prefix, char *attr, size_t size)
{
    size_t length = strlen(prefix), begin, n = 0;
    while (length > 0 && prefix[length - 1] == ':')
        length--;
    for (begin = length; begin > 0 && prefix[begin - 1] != ':';)
        begin--;
    for (size_t i = begin; i < length && n + 1 < size; i++) {
        unsigned char c = (unsigned char)prefix[i];
        attr[n++] = (char)(isalnum(c) ? tolower(c) : '_');
    }
    attr[n] = 0;
}

/* A line for each plugin with a prefix below the detector's and a class. */
static size_t write_class(FILE *out, oph_device *det, const oph_plugins *plugins)
{
    const char *root = oph_device_prefix(det);
    size_t count = 0;
    fprintf(out, "class CophydWhole : %s\n", oph_device_class(det));
    for (size_t i = 0; i < oph_plugins_count(plugins); i++) {
        const oph_plugin *p = oph_plugins_at(plugins, i);
        oph_device *known;
        char attr[64];
        if (!p->class_name[0] || strncmp(p->prefix, root, strlen(root)) != 0) continue;
        whole_attr(p->prefix, attr, sizeof attr);
        if (oph_device_child(det, attr, &known, NULL) == 0) continue;
        fprintf(out, "dev %s %s %s\n", attr, p->prefix + strlen(root), p->class_name);
        count++;
    }
    return count;
}

int whole_device(struct cli *cli, oph_device *det, oph_device **ret)
{
    oph_plugins *plugins = NULL;
    oph_error err = OPH_ERROR_INIT;
    char *text = NULL;
    size_t size = 0;
    int rc = 0;
    if (oph_missing_plugins(det, cli->timeout, &plugins, &err)) return cli_fail(&err);
    FILE *out = open_memstream(&text, &size);
    size_t count = out ? write_class(out, det, plugins) : 0;
    bool ok = out && fclose(out) == 0;
    oph_plugins_free(plugins);
    if (ok && count) {
        rc = oph_class_parse(cli->ctx, text, "cophyd", NULL, &err);
        if (!rc)
            rc = oph_device_new(cli->ctx, "CophydWhole", oph_device_prefix(det),
                                oph_device_name(det), ret, &err);
        if (rc) rc = cli_fail(&err);
    } else if (ok) {
        *ret = det;
    } else {
        rc = cli_no_memory();
    }
    free(text);
    return rc;
}
