#include "sim/autosave.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <dbAccess.h>
#include <dbStaticLib.h>

static const char variable[] = "COPHYD_SIM_AUTOSAVED"; /* the descriptor of what is kept */

enum { TEXT_SIZE = 1024 };

/* What makes something happen, counters, and what this device itself does wrong. */
static bool is_kept(const char *name)
{
    static const char *const not_kept[] = {
        "Acquire",       "ArrayCounter",      "DroppedArrays",
        "ProcessPlugin", "FreeCapture",       "ReadStatus",
        "ResetPower",    "PoolEmptyFreeList", "PoolPreAllocBuffers",
        "EmptyFreeList", "PreAllocBuffers"};
    const char *record = strrchr(name, ':');
    record = record ? record + 1 : name;
    for (size_t i = 0; i < sizeof not_kept / sizeof *not_kept; i++)
        if (strcmp(record, not_kept[i]) == 0) return false;
    size_t length = strlen(record);
    bool readback = length > 4 && strcmp(record + length - 4, "_RBV") == 0;
    return !readback && !strstr(name, "sim1:");
}

static const char *type_of(DBENTRY *entry)
{
    const char *record_type = dbGetRecordTypeName(entry);
    static const char *const numbers[] = {"ao", "bo", "mbbo", "longout"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(record_type, numbers[i]) == 0) return "number";
    return strcmp(record_type, "waveform") == 0    ? "text"
           : strcmp(record_type, "stringout") == 0 ? "string"
                                                   : NULL;
}

/* A waveform can be either. */
static bool is_output(DBENTRY *entry)
{
    if (strcmp(dbGetRecordTypeName(entry), "waveform") != 0) return true;
    const char *device = dbFindField(entry, "DTYP") == 0 ? dbGetString(entry) : NULL;
    return device && strstr(device, "Write");
}

static void keep(FILE *out, const char *type, const char *name)
{
    struct dbAddr address;
    char text[TEXT_SIZE] = "";
    double number = 0;
    long count = 1;
    if (dbNameToAddr(name, &address) != 0) return;
    if (strcmp(type, "number") == 0) {
        if (dbGetField(&address, DBR_DOUBLE, &number, NULL, &count, NULL) == 0)
            fprintf(out, "number %s %.17g\n", name, number);
    } else if (strcmp(type, "string") == 0) {
        if (dbGetField(&address, DBR_STRING, text, NULL, &count, NULL) == 0)
            fprintf(out, "string %s %s\n", name, text);
    } else if (address.field_type == DBF_CHAR) {
        count = sizeof text - 1;
        if (dbGetField(&address, DBR_CHAR, text, NULL, &count, NULL) == 0)
            fprintf(out, "text %s %s\n", name, text);
    }
}

void sim_autosave_keep(const char *prefix)
{
    int fd = memfd_create("autosave", 0);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    char number[16];
    DBENTRY entry;
    if (!out) return;
    dbInitEntry(pdbbase, &entry);
    for (long type = dbFirstRecordType(&entry); type == 0; type = dbNextRecordType(&entry)) {
        const char *kind = type_of(&entry);
        for (long found = kind ? dbFirstRecord(&entry) : -1; found == 0;
             found = dbNextRecord(&entry)) {
            const char *name = dbGetRecordName(&entry);
            if (strncmp(name, prefix, strlen(prefix)) == 0 && is_kept(name) && is_output(&entry))
                keep(out, kind, name);
        }
    }
    dbFinishEntry(&entry);
    fflush(out); /* not closed: the descriptor goes to the next program */
    snprintf(number, sizeof number, "%d", fd);
    setenv(variable, number, 1);
}

static void put_back(char *line)
{
    struct dbAddr address;
    char *rest = line, *type = strsep(&rest, " "), *name = strsep(&rest, " ");
    if (!name || !rest || dbNameToAddr(name, &address) != 0) return;
    if (strcmp(type, "number") == 0) {
        double number = strtod(rest, NULL);
        dbPutField(&address, DBR_DOUBLE, &number, 1);
    } else if (strcmp(type, "string") == 0) {
        char text[MAX_STRING_SIZE];
        snprintf(text, sizeof text, "%s", rest);
        dbPutField(&address, DBR_STRING, text, 1);
    } else if (*rest) {
        dbPutField(&address, DBR_CHAR, rest, (long)strlen(rest) + 1);
    }
}

void sim_autosave_restore(void)
{
    const char *number = getenv(variable);
    char line[2 * TEXT_SIZE];
    int fd = number ? (int)strtol(number, NULL, 10) : -1;
    unsetenv(variable);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0) return;
    FILE *in = fdopen(fd, "r");
    while (in && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        put_back(line);
    }
    if (in) fclose(in);
}
