#include "sim/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cophyd/version.h>

#include "sim/fault.h"
#include "sim/path.h"
#include "sim/release.h"

static const char help[] =
    "Usage: cophyd-sim [options]\n"
    "A simulated Pilatus IOC: cam1: and plugins of areaDetector, and two motors, m1 and m2, on\n"
    "Channel Access.\n"
    "\n"
    "  --prefix P          of all channel names (default \"Pilatus:\", or \"13SIM1:\")\n"
    "  --class C           of the camera: pilatus (default) or simdetector, ADSimDetector's\n"
    "  --size WxH          of an image (default 1024x1024)\n"
    "  --port N|auto       TCP and UDP port on 127.0.0.1 (default 5064; auto finds a free one)\n"
    "  --write-root S=R    a path that the IOC sees under S is really under R (repeatable)\n"
    "  --raw DIR           make DIR and let camserver write there: cam1:FilePath=DIR/, "
    "FileName=raw,\n"
    "                      FileTemplate=%s%s_%4.4d.tif. Without this they are empty, as on a real\n"
    "                      IOC after boot, and exposures fail until they are set\n"
    "  --ad 3.N            the records and labels of that release of ADCore, from 3.0 to 3.14\n"
    "                      (default 3.14)\n"
    "  --raw-files N       camserver removes all but the newest N files that it wrote. Without "
    "this they\n"
    "                      all stay, as those of a real one do\n"
    "  --exposure SECONDS  first value of cam1:AcquireTime (default 1)\n"
    "  --instant           no delays of camserver: commands and stops take no time, nor do motors\n"
    "  --fault NAME[=VALUE]  something goes wrong (repeatable): see below\n"
    "  --verbose           the IOC's own messages go to standard error\n"
    "  --help, --version\n"
    "\n"
    "A Pilatus's pixels are Int32: pixel(y, x) = (7919 * frame + 2500 * y + x) mod 1048576, where "
    "frame is "
    "the\n"
    "array's UniqueId, y the row and x the column, both from 0.\n"
    "\n"
    "A simdetector's are of DataType, after boot Int32, by ADSimDetector's formulas. With SimMode\n"
    "LinearRamp, as after boot: pixel(y, x) = trunc(i * (GainX * x + GainY * y)) + n * i, where\n"
    "i = trunc(Gain * AcquireTime * 1000), and n counts the frames, from 0, since boot or since a\n"
    "write of SimMode, DataType or a gain but Gain. What does not fit is cut to DataType's bits.\n"
    "\n"
    "When it is ready it prints two lines: where it listens, and the environment for a client. It\n"
    "ends on SIGINT, SIGTERM, and with the process that started it.\n";

enum {
    PREFIX = 1,
    CLASS,
    SIZE,
    PORT,
    WRITE_ROOT,
    RAW,
    AD,
    RAW_FILES,
    EXPOSURE,
    INSTANT,
    FAULT,
    VERBOSE,
    HELP,
    VERSION
};

static const struct option names[] = {
    {"prefix", required_argument, NULL, PREFIX},
    {"class", required_argument, NULL, CLASS},
    {"size", required_argument, NULL, SIZE},
    {"port", required_argument, NULL, PORT},
    {"write-root", required_argument, NULL, WRITE_ROOT},
    {"raw", required_argument, NULL, RAW},
    {"ad", required_argument, NULL, AD},
    {"raw-files", required_argument, NULL, RAW_FILES},
    {"exposure", required_argument, NULL, EXPOSURE},
    {"instant", no_argument, NULL, INSTANT},
    {"fault", required_argument, NULL, FAULT},
    {"verbose", no_argument, NULL, VERBOSE},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

/* A whole number from low to high at *text, which moves behind it; -1 if there is none. */
static int whole(const char **text, int low, int high)
{
    char *end = NULL;
    errno = 0;
    long value = **text >= '0' && **text <= '9' ? strtol(*text, &end, 10) : -1;
    if (!end || errno || value < low || value > high) return -1;
    *text = end;
    return (int)value;
}

static bool parse_size(const char *text, struct sim_options *o)
{
    o->cols = whole(&text, 1, 16384);
    if (o->cols < 0 || *text++ != 'x') return false;
    o->rows = whole(&text, 1, 16384);
    return o->rows > 0 && *text == '\0';
}

static bool parse_port(const char *text, struct sim_options *o)
{
    o->port = strcmp(text, "auto") == 0 ? 0 : whole(&text, 5001, 65535);
    return o->port == 0 || (o->port > 0 && *text == '\0');
}

static bool parse_exposure(const char *text, struct sim_options *o)
{
    char *end = NULL;
    o->exposure = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(o->exposure) && o->exposure >= 0;
}

static bool parse_root(const char *text)
{
    char seen[256];
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof seen) return false;
    memcpy(seen, text, (size_t)(equals - text));
    seen[equals - text] = '\0';
    return sim_path_add_root(seen, equals + 1) == 0;
}

/* Room must stay for a file name in the 256 bytes of FilePath. */
static bool parse_raw(const char *text, struct sim_options *o)
{
    size_t length = strlen(text);
    if (length == 0 || length > sizeof o->raw - 2) return false;
    memcpy(o->raw, text, length + 1);
    sim_path_end_with_slash(o->raw, sizeof o->raw);
    return true;
}

static bool parse_raw_files(const char *text, struct sim_options *o)
{
    o->raw_files = whole(&text, 1, 1000000);
    return o->raw_files > 0 && *text == '\0';
}

static bool parse_prefix(const char *text, struct sim_options *o)
{
    o->prefix = text;
    return strlen(text) <= 30 && !strpbrk(text, " \t,\"$'\\");
}

static bool parse_class(const char *text, struct sim_options *o)
{
    o->class = strcmp(text, "simdetector") == 0 ? SIM_SIMDETECTOR : SIM_PILATUS;
    return o->class == SIM_SIMDETECTOR || strcmp(text, "pilatus") == 0;
}

static const char *parse_one(int option, struct sim_options *o)
{
    switch (option) {
    case PREFIX: return parse_prefix(optarg, o) ? NULL : "at most 30 characters of a channel name";
    case CLASS: return parse_class(optarg, o) ? NULL : "pilatus or simdetector";
    case SIZE: return parse_size(optarg, o) ? NULL : "WIDTHxHEIGHT, each from 1 to 16384";
    case PORT: return parse_port(optarg, o) ? NULL : "auto or a number from 5001 to 65535";
    case WRITE_ROOT: return parse_root(optarg) ? NULL : "SEEN=REAL, both absolute paths";
    case RAW: return parse_raw(optarg, o) ? NULL : "a folder of at most 254 bytes";
    case AD:
        o->ad = sim_release_parse(optarg);
        return o->ad >= 0 ? NULL : "a release from 3.0 to 3.14";
    case RAW_FILES: return parse_raw_files(optarg, o) ? NULL : "a number from 1 to 1000000";
    case EXPOSURE: return parse_exposure(optarg, o) ? NULL : "a number of seconds";
    case INSTANT: o->instant = true; return NULL;
    case FAULT: return sim_fault_parse(optarg) ? NULL : "a fault of --help, with its value";
    default: o->verbose = true; return NULL;
    }
}

enum sim_parsed sim_options_parse(int argc, char **argv, struct sim_options *ret, char *why,
                                  size_t why_size)
{
    int option, index = 0;
    *ret = (struct sim_options){
        .cols = 1024, .rows = 1024, .port = 5064, .ad = SIM_RELEASE_NEWEST, .exposure = 1.0};
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (option == HELP) {
            fputs(help, stdout);
            sim_fault_help(stdout);
            return SIM_SHOWN;
        }
        if (option == VERSION) {
            printf("cophyd-sim %d.%d.%d\n", OPH_VERSION_MAJOR, OPH_VERSION_MINOR,
                   OPH_VERSION_PATCH);
            return SIM_SHOWN;
        }
        if (option == '?') {
            snprintf(why, why_size, "unknown or incomplete option %s (see --help)",
                     argv[optind - 1]);
            return SIM_WRONG;
        }
        const char *wanted = parse_one(option, ret);
        if (wanted) {
            snprintf(why, why_size, "--%s wants %s, not \"%s\"", names[index].name, wanted, optarg);
            return SIM_WRONG;
        }
    }
    if (optind < argc) {
        snprintf(why, why_size, "there is no argument \"%s\" (see --help)", argv[optind]);
        return SIM_WRONG;
    }
    if (!ret->prefix) ret->prefix = ret->class == SIM_SIMDETECTOR ? "13SIM1:" : "Pilatus:";
    return SIM_RUN;
}
