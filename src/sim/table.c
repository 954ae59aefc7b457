#include "sim/table.h"

#include <string.h>

#include <cantProceed.h>

const char *sim_table_rows(const char *text)
{
    const char *end = strchr(text, '\n');
    return end ? end + 1 : text + strlen(text);
}

/* A table that does not fit is a mistake in this program's own data. */
static void add(struct sim_row *row, int *used, char c)
{
    if (row->count >= SIM_CELLS || *used + 1 >= SIM_CELL_SIZE)
        cantProceed("a cell of an embedded table is too long\n");
    row->cell[row->count][(*used)++] = c;
}

const char *sim_table_next(const char *text, struct sim_row *ret)
{
    int used = 0, quoted = 0;
    if (*text == '\0') return NULL;
    memset(ret, 0, sizeof *ret);
    for (; *text && (quoted || *text != '\n'); text++) {
        if (*text == '"') {
            quoted = !quoted;
        } else if (*text == ',' && !quoted) {
            ret->count++;
            used = 0;
        } else {
            add(ret, &used, *text);
        }
    }
    ret->count++;
    return *text ? text + 1 : text;
}

static const struct {
    const char *name, *base[2];
} templates[] = {
    {"NDPluginBase", {"NDArrayBase", NULL}},    {"NDStdArrays", {"NDPluginBase", NULL}},
    {"NDFileHDF5", {"NDPluginBase", "NDFile"}}, {"ADBase", {"NDArrayBase", NULL}},
    {"simDetector", {"ADBase", NULL}},          {"pilatus", {"ADBase", "NDFile"}},
    {"NDFileTIFF", {"NDPluginBase", "NDFile"}}, {"NDROI", {"NDPluginBase", NULL}},
    {"NDStats", {"NDPluginBase", NULL}},        {"NDProcess", {"NDPluginBase", NULL}},
    {"NDTransform", {"NDPluginBase", NULL}},    {"NDOverlay", {"NDPluginBase", NULL}},
    {"NDCodec", {"NDPluginBase", NULL}},        {"NDCircularBuff", {"NDPluginBase", NULL}},
};

void sim_template_walk(const char *name, void (*found)(const char *, void *), void *user)
{
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        if (strcmp(templates[i].name, name) != 0) continue;
        for (int b = 0; b < 2; b++)
            if (templates[i].base[b]) sim_template_walk(templates[i].base[b], found, user);
    }
    found(name, user);
}
