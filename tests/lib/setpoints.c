#include "lib/setpoints.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 1024 };

struct setpoints {
    int count;
    struct {
        char name[80], value[600];
    } at[ROOM];
};

static const char classes[] = "class Setpoints : PilatusDetector\n"
                              "dev image image1: ImagePlugin\n"
                              "dev hdf1  HDF1:   HDF5Plugin\n"
                              "dev tiff1 TIFF1:  TIFFPlugin\n";

static int has(const struct setpoints *s, const char *name)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->at[i].name, name) == 0) return 1;
    return 0;
}

/* What a list of settings takes can be written. */
static int add_names(oph_device *dev, size_t prefix_length, struct setpoints *s, oph_error *err)
{
    const char *attr;
    for (size_t i = 0; (attr = oph_device_attr_at(dev, i)); i++) {
        oph_signal *sig;
        int rc = oph_settings_set_int(dev, attr, 0, err);
        if (rc == OPH_EACCESS) continue;
        if (!rc) rc = oph_signal_find(dev, attr, &sig, err);
        if (rc) return rc;
        const char *name = oph_signal_pv(sig) + prefix_length;
        if (has(s, name)) continue;
        if (s->count == ROOM) testAbort("too many setpoints");
        snprintf(s->at[s->count++].name, sizeof s->at[0].name, "%s", name);
    }
    return 0;
}

static int find_names(const char *prefix, struct setpoints *s)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "setpoints.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "Setpoints", prefix, "det", &det, &err);
    for (size_t i = 0; !rc && i < oph_device_child_count(det); i++)
        rc = add_names(oph_device_child_at(det, i), strlen(prefix), s, &err);
    if (rc) testDiag("setpoints: %s", err.text);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc;
}

struct setpoints *setpoints_read(struct probe *probe, const char *prefix)
{
    struct setpoints *s = calloc(1, sizeof *s);
    const char **names = calloc(ROOM, sizeof(const char *));
    char **values = calloc(ROOM, sizeof(char *));
    if (!s || !names || !values) testAbort("no memory");
    int rc = find_names(prefix, s);
    for (int i = 0; i < s->count; i++) {
        names[i] = s->at[i].name;
        values[i] = s->at[i].value;
    }
    if (!rc) rc = probe_get_all(probe, names, s->count, values, sizeof s->at[0].value);
    free(names);
    free(values);
    if (!rc) return s;
    free(s);
    return NULL;
}

void setpoints_free(struct setpoints *s)
{
    free(s);
}

void setpoints_print(const struct setpoints *s, FILE *out)
{
    for (int i = 0; i < s->count; i++)
        fprintf(out, "%s %s\n", s->at[i].name, s->at[i].value);
}

static int moves_by_itself(const char *name)
{
    static const char *const those[] = {"ArrayCounter", "DroppedArrays", "SetAcquireBusy",
                                        "ClearAcquireBusy"};
    const char *record = strchr(name, ':') + 1;
    if (strcmp(name, "cam1:FileNumber") == 0) return 1;
    for (size_t i = 0; i < sizeof those / sizeof *those; i++)
        if (strcmp(record, those[i]) == 0) return 1;
    return 0;
}

static int knows_none(const char *name, void *user)
{
    (void)name, (void)user;
    return 0;
}

int setpoints_differ(const struct setpoints *before, const struct setpoints *after)
{
    return setpoints_unknown(before, after, knows_none, NULL);
}

int setpoints_unknown(const struct setpoints *before, const struct setpoints *after,
                      int (*is_known)(const char *name, void *user), void *user)
{
    int unknown = before->count != after->count;
    for (int i = 0; i < before->count && i < after->count; i++) {
        if (strcmp(before->at[i].value, after->at[i].value) == 0) continue;
        if (moves_by_itself(before->at[i].name) || is_known(before->at[i].name, user)) continue;
        testDiag("%s was '%s' and is '%s'", before->at[i].name, before->at[i].value,
                 after->at[i].value);
        unknown++;
    }
    return unknown;
}
