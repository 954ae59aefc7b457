#include "random/draw.h"

#include <string.h>

/* splitmix64 */
static uint64_t next(struct draw *d)
{
    uint64_t z = d->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0 to count - 1. */
static int one_of(struct draw *d, int count)
{
    return (int)(next(d) % (uint64_t)count);
}

static int chance(struct draw *d, int percent)
{
    return one_of(d, 100) < percent;
}

#define PICK(d, list) ((list)[one_of(d, (int)(sizeof(list) / sizeof *(list)))])

static void draw_classes(struct draw *d)
{
    static const char *const stores[] = {
        "FileStoreHDF5IterativeWrite",       "FileStoreHDF5IterativeWrite", "FileStoreHDF5",
        "FileStoreHDF5SingleIterativeWrite", "FileStoreTIFFIterativeWrite", "FileStoreTIFF"};
    static const char *const rows[] = {"row my_gain Gain rw float config\n",
                                       "row my_energy ThresholdEnergy rw float config\n",
                                       "row my_rate ArrayRate_RBV ro float normal\n",
                                       "row my_counter ArrayCounter rw int omitted\n",
                                       "row my_manufacturer Manufacturer_RBV ro text config\n",
                                       ""};
    static const char *const others[] = {"dev stats Stats1: StatsPlugin\n",
                                         "dev roi ROI1: ROIPlugin\n",
                                         "dev image image1: ImagePlugin\n", ""};
    d->store = PICK(d, stores);
    int is_tiff = strstr(d->store, "TIFF") != NULL;
    snprintf(d->classes, sizeof d->classes,
             "class DrawnCam : PilatusDetectorCam\n"
             "row wait_for_plugins WaitForPlugins rw enum config\n%s"
             "class DrawnFile : %s %s\n"
             "class Drawn : SingleTrigger DetectorBase\n"
             "dev cam cam1: DrawnCam\n%s%s"
             "dev file %s DrawnFile\n",
             PICK(d, rows), is_tiff ? "TIFFPlugin" : "HDF5Plugin@3.4", d->store, PICK(d, others),
             chance(d, 50) ? "dev codec Codec1: CodecPlugin\n" : "", is_tiff ? "TIFF1:" : "HDF1:");
}

static void add(struct draw *d, const char *device, const char *attr, const char *value)
{
    for (int i = 0; i < d->setting_count; i++)
        if (!strcmp(d->settings[i].attr, attr) && !strcmp(d->settings[i].device, device)) return;
    if (d->setting_count == DRAW_SETTINGS) return;
    d->settings[d->setting_count].device = device;
    d->settings[d->setting_count].attr = attr;
    d->settings[d->setting_count++].value = value;
}

static void draw_settings(struct draw *d)
{
    static const struct {
        const char *device, *attr, *value;
    } any[] = {
        {"cam", "acquire_time", "0.001"},
        {"cam", "acquire_time", "0.02"},
        {"cam", "delay_time", "0"},
        {"cam", "num_exposures", "1"},
        {"cam", "gain_menu", "1"},
        {"cam", "array_callbacks", "Enable"},
        {"cam", "threshold_energy", "9.5"},
        {"file", "queue_size", "30"},
        {"file", "blocking_callbacks", "No"},
        {"file", "auto_save", "Yes"},
        {"file", "create_directory", "-3"},
        {"file", "file_number", "7"},
        {"file", "min_callback_time", "0"},
        {"file", "num_capture", "0"},
        {"file", "delete_driver_file", "No"},
        /* what the IOC, or the library, will not take */
        {"cam", "image_mode", "Nonsense"},
        {"cam", "acquire_time", "-1"},
        {"file", "file_template", "%d%d%d"},
        {"file", "queue_size", "x"},
    };
    static const struct {
        const char *attr, *value;
    } of_hdf5[] = {{"compression", "None"},   {"compression", "LZ4"}, {"compression", "zlib"},
                   {"num_row_chunks", "8"},   {"store_attr", "Yes"},  {"store_perform", "No"},
                   {"num_frames_chunks", "1"}};
    static const int usual = 15;
    d->images = 1 + one_of(d, 3);
    d->triggers = strstr(d->store, "HDF5Iter") ? 1 + one_of(d, 3) : 1;
    d->exposure = chance(d, 20) ? 0.05 : 0.005;
    int wrong = chance(d, 12);
    for (int i = one_of(d, 6); i > 0; i--) {
        int n = one_of(d, wrong ? (int)(sizeof any / sizeof *any) : usual);
        add(d, any[n].device, any[n].attr, any[n].value);
    }
    for (int i = strstr(d->store, "HDF5") ? one_of(d, 3) : 0; i > 0; i--) {
        int n = one_of(d, (int)(sizeof of_hdf5 / sizeof *of_hdf5));
        add(d, "file", of_hdf5[n].attr, of_hdf5[n].value);
    }
}

static void drop(struct draw *d, const char *attr)
{
    int kept = 0;
    for (int i = 0; i < d->setting_count; i++)
        if (strcmp(d->settings[i].attr, attr) != 0) d->settings[kept++] = d->settings[i];
    d->setting_count = kept;
}

static void draw_trouble(struct draw *d)
{
    static const char *const troubles[] = {"ExposureHangs",
                                           "ExposureFails",
                                           "AbortAfter=0.005",
                                           "SomebodyElse=2",
                                           "ClockOffset=-3600",
                                           "DiskFull",
                                           "OpenFails",
                                           "PathVanishes",
                                           "SlowDisk=0.1",
                                           "DropArrays=1",
                                           "PluginStuck=HDF1",
                                           "PutStuck=HDF1:Capture",
                                           "PutStuck=HDF1:NumCapture",
                                           "ReadOnly=HDF1:NumCapture",
                                           "ReadOnly=cam1:Acquire",
                                           "ReadbackLate=HDF1:NumCapture_RBV,0.2",
                                           "ReadbackStays=HDF1:Capture_RBV",
                                           "ReadbackStays=HDF1:NumCaptured_RBV",
                                           "ReadbackStays=cam1:AcquireTime_RBV",
                                           "ReadbackStays=cam1:DetectorState_RBV",
                                           "ReplyDelay=0.2",
                                           "Wild=cam1:AcquireTime_RBV",
                                           "NaN=cam1:AcquireTime_RBV",
                                           "Missing=HDF1:NumCapture",
                                           "Pause",
                                           "Crash=0.001",
                                           "Restart=0.001",
                                           "RestartSaved=0.001",
                                           "Disconnect=0.5",
                                           "Client HDF1:Capture Done",
                                           "Client HDF1:NDArrayPort OTHER",
                                           "Client HDF1:FilePath /mnt/fileserver/data/",
                                           "Client HDF1:EnableCallbacks Disable",
                                           "Client cam1:Acquire Acquire",
                                           "Client cam1:Acquire Done",
                                           "Client cam1:AcquireTime 2",
                                           "Client cam1:ArrayCallbacks Disable",
                                           "Client cam1:NumImages 3"};
    static const char *const pvs[] = {"cam1:ImageMode",    "cam1:NumImages", "cam1:AcquireTime",
                                      "1:FilePath",        "1:FileName",     "1:FileWriteMode",
                                      "1:EnableCallbacks", "HDF1:Capture",   "cam1:Acquire"};
    static const char *const phases[] = {"before", "put", "put", "put", "exposure"};
    static const enum draw_end ends[] = {DRAW_WHOLE, DRAW_WHOLE,     DRAW_WHOLE,
                                         DRAW_STOP,  DRAW_INTERRUPT, DRAW_KILL};
    d->end = PICK(d, ends);
    if (d->end == DRAW_WHOLE && chance(d, 75)) d->trouble = PICK(d, troubles);
    d->pv = PICK(d, pvs);
    d->phase = PICK(d, phases);
    if (d->end != DRAW_WHOLE && !strcmp(d->phase, "before")) d->phase = "put";
    d->after = chance(d, 50);
    if (strcmp(d->phase, "exposure") == 0) {
        d->pv = "cam1:Acquire";
        d->after = 1;
        d->exposure = 0.3;
        drop(d, "acquire_time"); /* it is long enough for what is to come then */
    }
}

void draw_step(struct draw *d, long seed, long step)
{
    *d = (struct draw){.seed = seed, .step = step};
    d->state = (uint64_t)seed * 0x2545F4914F6CDD1Du + (uint64_t)step;
    draw_classes(d);
    draw_settings(d);
    draw_trouble(d);
}

void draw_tell(const struct draw *d, char *ret, size_t size)
{
    static const char *const ends[] = {"whole", "stopped", "interrupted", "killed"};
    size_t used = (size_t)snprintf(ret, size, "step %ld: %s, %d images, %d triggers of %g s",
                                   d->step, d->store, d->images, d->triggers, d->exposure);
    for (int i = 0; i < d->setting_count && used < size; i++)
        used += (size_t)snprintf(ret + used, size - used, ", %s.%s=%s", d->settings[i].device,
                                 d->settings[i].attr, d->settings[i].value);
    if (used < size) used += (size_t)snprintf(ret + used, size - used, "; %s", ends[d->end]);
    if (used < size && d->trouble)
        used += (size_t)snprintf(ret + used, size - used, ", %s", d->trouble);
    if (used < size && (d->trouble || d->end != DRAW_WHOLE))
        snprintf(ret + used, size - used, " (%s %s%s)", d->phase, d->after ? "after " : "", d->pv);
}
