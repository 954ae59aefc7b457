#include "sim/fault.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind { SWITCH, NUMBER, TEXT };

static const struct {
    const char *name;
    enum kind kind;
    const char *value, *help; /* value: what the help calls it; NULL for a switch */
} table[SIM_FAULTS] = {
    [SIM_FAULT_EXPOSURE_HANGS] = {"ExposureHangs", SWITCH, NULL,
                                  "camserver never ends an exposure: DetectorState Error 10 s\n"
                                  "after it should have (at once with --instant), and the put of\n"
                                  "Acquire completes all the same"},
    [SIM_FAULT_EXPOSURE_FAILS] = {"ExposureFails", SWITCH, NULL,
                                  "camserver refuses to expose: DetectorState Error, no frame"},
    [SIM_FAULT_ABORT_AFTER] = {"AbortAfter", NUMBER, "SECONDS",
                               "somebody else stops each acquisition that long after its start"},
    [SIM_FAULT_SOMEBODY_ELSE] = {"SomebodyElse", NUMBER, "SECONDS",
                                 "somebody else exposes that long, now; 0 stops them"},
    [SIM_FAULT_THRESHOLD_TIME] = {"ThresholdTime", NUMBER, "SECONDS",
                                  "SetThreshold takes that long (96 s on a real 6M), and what is\n"
                                  "put to cam1: meanwhile waits"},
    [SIM_FAULT_DISK_FULL] = {"DiskFull", SWITCH, NULL, "file plugins cannot write frames"},
    [SIM_FAULT_OPEN_FAILS] = {"OpenFails", SWITCH, NULL, "file plugins cannot open files"},
    [SIM_FAULT_PATH_VANISHES] = {"PathVanishes", SWITCH, NULL,
                                 "the folders of file plugins are not there (any more)"},
    [SIM_FAULT_SLOW_DISK] = {"SlowDisk", NUMBER, "SECONDS",
                             "file plugins take that long for a frame"},
    [SIM_FAULT_DROP_ARRAYS] = {"DropArrays", NUMBER, "N",
                               "the next N arrays for file plugins are dropped on the way"},
    [SIM_FAULT_PLUGIN_STUCK] = {"PluginStuck", TEXT, "PLUGIN",
                                "HDF1, image1, ...: its thread stands still"},
    [SIM_FAULT_PUT_STUCK] = {"PutStuck", TEXT, "RECORD", "a put to it acts, but never completes"},
    [SIM_FAULT_READBACK_STAYS] = {"ReadbackStays", TEXT, "RECORD",
                                  "it keeps the value that it has"},
    [SIM_FAULT_READBACK_LATE] = {"ReadbackLate", TEXT, "RECORD,SECONDS",
                                 "it takes a new value that much later"},
    [SIM_FAULT_NAN] = {"NaN", TEXT, "RECORD", "it reads as no number"},
    [SIM_FAULT_WILD] = {"Wild", TEXT, "RECORD", "it reads as 1e300, or as 2147483647"},
    [SIM_FAULT_MISSING] = {"Missing", TEXT, "RECORD",
                           "there is no such record; set while running, all circuits are dropped\n"
                           "as after a restart with another database"},
    [SIM_FAULT_READ_ONLY] = {"ReadOnly", TEXT, "RECORD", "access security lets nobody write it"},
    [SIM_FAULT_MOTOR_STUCK] = {"MotorStuck", TEXT, "MOTOR",
                               "m1, m2: it goes nowhere, and only STOP ends a move"},
    [SIM_FAULT_MOTOR_MISSES] = {"MotorMisses", TEXT, "MOTOR", "it stops halfway, out of retries"},
    [SIM_FAULT_MOTOR_SWITCH] = {"MotorSwitch", TEXT, "MOTOR",
                                "it runs into a limit switch halfway"},
    [SIM_FAULT_REPLY_DELAY] = {"ReplyDelay", NUMBER, "SECONDS",
                               "the server takes that long before it looks at a request"},
    [SIM_FAULT_DISCONNECT] = {"Disconnect", NUMBER, "SECONDS",
                              "all circuits are dropped, and for that long none is served"},
    [SIM_FAULT_CRASH] = {"Crash", NUMBER, "SECONDS",
                         "the IOC kills itself (SIGKILL), so much later"},
    [SIM_FAULT_RESTART] = {"Restart", NUMBER, "SECONDS",
                           "it restarts with the values of its first start, so much later"},
    [SIM_FAULT_RESTART_SAVED] = {"RestartSaved", NUMBER, "SECONDS",
                                 "it restarts with the values that clients had set, as autosave\n"
                                 "restores them; Acquire and Capture are 0"},
    [SIM_FAULT_CLOCK_OFFSET] =
        {"ClockOffset", NUMBER, "SECONDS",
         "the IOC's clock is off by that: time stamps of records and frames"},
};

static struct {
    double number; /* as the command line gave it */
    char text[SIM_FAULT_TEXT];
    struct sim_param *param;
    void (*changed)(void *user);
    void *user;
} state[SIM_FAULTS];

static int find(const char *name, size_t length)
{
    for (int i = 0; i < SIM_FAULTS; i++)
        if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0) return i;
    return -1;
}

bool sim_fault_parse(const char *text)
{
    const char *equals = strchr(text, '='), *value = equals ? equals + 1 : NULL;
    int i = find(text, equals ? (size_t)(equals - text) : strlen(text));
    if (i < 0) return false;
    if (table[i].kind == TEXT) {
        if (!value || !*value || strlen(value) >= sizeof state[i].text) return false;
        snprintf(state[i].text, sizeof state[i].text, "%s", value);
        return true;
    }
    char *end = NULL;
    state[i].number = value ? strtod(value, &end) : 1;
    return (value || table[i].kind == SWITCH) && (!value || (end != value && *end == '\0')) &&
           isfinite(state[i].number);
}

void sim_fault_help(FILE *out)
{
    fputs("\nFaults, for --fault and, while the IOC runs, as records PREFIX + sim1:NAME (a switch "
          "is\n"
          "1 or 0; 0 or an empty text ends a fault; RECORD is a name without the prefix):\n",
          out);
    for (int i = 0; i < SIM_FAULTS; i++) {
        char left[48];
        const char *help = table[i].help, *end;
        snprintf(left, sizeof left, "%s%s%s", table[i].name, table[i].value ? "=" : "",
                 table[i].value ? table[i].value : "");
        while ((end = strchr(help, '\n'))) {
            fprintf(out, "  %-28s %.*s\n", left, (int)(end - help), help);
            left[0] = '\0';
            help = end + 1;
        }
        fprintf(out, "  %-28s %s\n", left, help);
    }
}

void sim_fault_params(struct sim_port *port)
{
    for (int i = 0; i < SIM_FAULTS; i++) {
        enum sim_type type = table[i].kind == TEXT ? SIM_TEXT : SIM_DOUBLE;
        state[i].param = sim_port_param(port, table[i].name, type);
        if (type == SIM_TEXT)
            sim_set_text(state[i].param, state[i].text);
        else
            sim_set_double(state[i].param, state[i].number);
    }
}

void sim_fault_records(FILE *db)
{
    for (int i = 0; i < SIM_FAULTS; i++) {
        int text = table[i].kind == TEXT;
        fprintf(db,
                "record(%s, \"$(P)sim1:%s\") { field(DTYP, \"%s\") "
                "field(OUT, \"@asyn(SIM,0,1)%s\") info(\"asyn:READBACK\", \"1\") %s}\n",
                text ? "stringout" : "ao", table[i].name, text ? "asynOctetWrite" : "asynFloat64",
                table[i].name, text ? "" : "field(PREC, \"3\") ");
    }
}

static void tell(int i)
{
    if (state[i].changed) state[i].changed(state[i].user);
}

void sim_fault_written(const struct sim_param *param)
{
    for (int i = 0; i < SIM_FAULTS; i++)
        if (state[i].param == param) tell(i);
}

void sim_fault_begin(void)
{
    for (int i = 0; i < SIM_FAULTS; i++)
        if (sim_fault_is((enum sim_fault)i)) tell(i);
}

void sim_fault_on(enum sim_fault fault, void (*changed)(void *user), void *user)
{
    state[fault].changed = changed;
    state[fault].user = user;
}

bool sim_fault_is(enum sim_fault fault)
{
    char text[SIM_FAULT_TEXT];
    if (table[fault].kind != TEXT) return sim_fault_value(fault) != 0;
    return sim_fault_target(fault, text, NULL);
}

double sim_fault_value(enum sim_fault fault)
{
    return sim_get_double(state[fault].param);
}

bool sim_fault_target(enum sim_fault fault, char ret[SIM_FAULT_TEXT], double *ret_seconds)
{
    sim_get_text(state[fault].param, ret, SIM_FAULT_TEXT);
    char *comma = strchr(ret, ',');
    if (comma) *comma = '\0';
    if (ret_seconds) *ret_seconds = comma ? strtod(comma + 1, NULL) : 0;
    return *ret != '\0';
}

/* A port is named FileHDF1, Image1, ... */
static bool names(const char *plugin, const char *port_name)
{
    size_t wanted = strlen(plugin), length = strlen(port_name);
    if (wanted > 0 && plugin[wanted - 1] == ':') wanted--;
    return wanted > 0 && wanted <= length &&
           strncasecmp(port_name + length - wanted, plugin, wanted) == 0;
}

bool sim_fault_hits(enum sim_fault fault, const char *port_name)
{
    char text[SIM_FAULT_TEXT];
    if (table[fault].kind == TEXT)
        return sim_fault_target(fault, text, NULL) && names(text, port_name);
    double left = sim_fault_value(fault);
    if (left < 1 || strncmp(port_name, "File", strlen("File")) != 0) return false;
    sim_set_double(state[fault].param, left - 1);
    sim_publish(sim_param_port(state[fault].param));
    return true;
}

void sim_fault_end(enum sim_fault fault)
{
    if (table[fault].kind == TEXT)
        sim_set_text(state[fault].param, "");
    else
        sim_set_double(state[fault].param, 0);
    sim_publish(sim_param_port(state[fault].param));
}
