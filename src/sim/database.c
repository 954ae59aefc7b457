#include "sim/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cantProceed.h>
#include <dbAccess.h>
#include <dbStaticLib.h>
#include <iocshRegisterCommon.h>
#include <registryCommon.h>

#include "sim/data.h"
#include "sim/release.h"
#include "sim/table.h"

/* Columns of records.csv. */
enum {
    TEMPLATE,
    RECORD,
    TYPE,
    DRVINFO,
    DTYP,
    ENUM,
    UNITS,
    PREC,
    DRVL,
    DRVH,
    FTVL,
    NELM,
    FLNK,
    PINI
};

enum { TEMPLATES = 8 };

static const char *const state_field[] = {"ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV",
                                          "EI", "NI", "TE", "EL", "TV", "TT", "FT", "FF"};

static int is_input(const char *type)
{
    static const char *const types[] = {"ai", "bi", "mbbi", "longin", "stringin"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0) return 1;
    return 0;
}

static void put(FILE *db, const char *field, const char *value)
{
    if (*value) fprintf(db, "    field(%s, \"%s\")\n", field, value);
}

static void put_states(FILE *db, const struct sim_row *row)
{
    int two = row->cell[TYPE][0] == 'b', i = 0;
    char text[SIM_CELL_SIZE], *rest = text, *label;
    memcpy(text, row->cell[ENUM], sizeof text);
    if (!*text) return;
    while ((label = strsep(&rest, "|"))) {
        char field[8], number[16];
        if (two) {
            put(db, i ? "ONAM" : "ZNAM", label);
        } else {
            snprintf(field, sizeof field, "%sST", state_field[i]);
            put(db, field, label);
            snprintf(field, sizeof field, "%sVL", state_field[i]);
            snprintf(number, sizeof number, "%d", i);
            put(db, field, number);
        }
        i++;
    }
}

static void put_device(FILE *db, const struct sim_row *row)
{
    const char *type = row->cell[TYPE], *dtyp = row->cell[DTYP];
    int waveform = strcmp(type, "waveform") == 0;
    int reads = is_input(type) || (waveform && !strstr(dtyp, "Write") && !strstr(dtyp, "Out"));
    put(db, "DTYP", dtyp);
    if (!row->cell[DRVINFO][0]) return;
    fprintf(db, "    field(%s, \"@asyn($(PORT),0,1)%s\")\n", reads || waveform ? "INP" : "OUT",
            row->cell[DRVINFO]);
    if (reads) put(db, "SCAN", "I/O Intr");
}

static void put_record(FILE *db, const struct sim_row *row)
{
    fprintf(db, "record(%s, \"$(P)$(R)%s\") {\n", row->cell[TYPE], row->cell[RECORD]);
    put_device(db, row);
    put_states(db, row);
    put(db, "EGU", row->cell[UNITS]);
    put(db, "PREC", row->cell[PREC]);
    put(db, "DRVL", row->cell[DRVL]);
    put(db, "DRVH", row->cell[DRVH]);
    put(db, "FTVL", row->cell[FTVL]);
    put(db, "NELM", row->cell[NELM]);
    put(db, "PINI", row->cell[PINI]);
    if (row->cell[FLNK][0]) fprintf(db, "    field(FLNK, \"$(P)$(R)%s\")\n", row->cell[FLNK]);
    fputs("}\n", db);
}

/* A template, and those that it includes, innermost first. */
struct chain {
    const struct sim_release *release;
    FILE *db;
    int count;
    const char *names[TEMPLATES];
};

static void add_template(const char *name, void *user)
{
    struct chain *chain = user;
    if (chain->count == TEMPLATES) cantProceed("%s includes too many templates\n", name);
    chain->names[chain->count++] = name;
}

static void put_gone(const struct sim_row *row, void *user)
{
    put_record(user, row);
}

/* An old form is right for the record of any template that it is about. */
static void put_records(const struct chain *chain, int at)
{
    struct sim_row row;
    const struct sim_row *old = NULL;
    const char *next = sim_table_rows(sim_data_records);
    while ((next = sim_table_next(next, &row))) {
        if (strcmp(row.cell[TEMPLATE], chain->names[at]) != 0) continue;
        switch (sim_release_form(chain->release, chain->names + at, chain->count - at,
                                 row.cell[RECORD], &old)) {
        case SIM_FORM_NEWEST: put_record(chain->db, &row); break;
        case SIM_FORM_OLD: put_record(chain->db, old); break;
        case SIM_FORM_NONE: break;
        }
    }
    sim_release_gone(chain->release, chain->names[at], put_gone, chain->db);
}

static void put_fields(const struct chain *chain, int at)
{
    struct sim_row row;
    const struct sim_row *old = NULL;
    const char *next = sim_table_rows(sim_data_fields);
    while ((next = sim_table_next(next, &row))) {
        const char *record = row.cell[1], *field = row.cell[2], *value = row.cell[3];
        if (strcmp(row.cell[TEMPLATE], chain->names[at]) != 0 ||
            !sim_release_within(chain->release, row.cell[4], row.cell[5]) ||
            sim_release_form(chain->release, chain->names, chain->count, record, &old) ==
                SIM_FORM_NONE)
            continue;
        fprintf(chain->db, "record(\"*\", \"$(P)$(R)%s\") { %s(\"%s\", \"%s\") }\n", record,
                strchr(field, ':') ? "info" : "field", field, value);
    }
}

/* A folder that is not absolute is found from this program's own. */
static void dbd_folder(char *ret, size_t size)
{
    char program[512] = "";
    if (SIM_DBD_DIR[0] != '/' && readlink("/proc/self/exe", program, sizeof program - 1) > 0)
        *strrchr(program, '/') = '\0';
    snprintf(ret, size, "%s%s%s", program, *program ? "/" : "", SIM_DBD_DIR);
}

static int read_text(const char *what, const char *text, size_t size, const char *macros, char *why,
                     size_t why_size)
{
    FILE *in = fmemopen((void *)text, size, "r");
    char folder[1024];
    long status = -1;
    dbd_folder(folder, sizeof folder);
    if (in) status = dbReadDatabaseFP(&pdbbase, in, folder, macros); /* closes in */
    if (status == 0) return 0;
    snprintf(why, why_size, "EPICS Base refused %s (see --verbose)", what);
    return -1;
}

int sim_database_start(char *why, size_t why_size)
{
    char folder[1024];
    dbd_folder(folder, sizeof folder);
    if (dbLoadDatabase("base.dbd", folder, NULL) != 0) {
        snprintf(why, why_size, "EPICS Base's definitions were not found in %s", folder);
        return -1;
    }
    if (read_text("the simulator's record types", sim_data_dbd, strlen(sim_data_dbd), NULL, why,
                  why_size) != 0)
        return -1;
    if (registerAllRecordDeviceDrivers(pdbbase) != 0) {
        snprintf(why, why_size, "EPICS Base found no support for a record type (see --verbose)");
        return -1;
    }
    return 0;
}

int sim_database_text(const char *what, const char *text, const char *macros, char *why,
                      size_t why_size)
{
    return read_text(what, text, strlen(text), macros, why, why_size);
}

int sim_database_load(const char *template_name, const char *macros,
                      const struct sim_release *release, char *why, size_t why_size)
{
    char *text = NULL;
    size_t size = 0;
    struct chain chain = {.release = release, .db = open_memstream(&text, &size)};
    if (!chain.db) {
        snprintf(why, why_size, "there is no memory for the records of %s", template_name);
        return -1;
    }
    sim_template_walk(template_name, add_template, &chain);
    for (int i = 0; i < chain.count; i++) {
        put_records(&chain, i);
        put_fields(&chain, i);
    }
    fclose(chain.db);
    int rc = read_text(template_name, text, size, macros, why, why_size);
    free(text);
    return rc;
}
