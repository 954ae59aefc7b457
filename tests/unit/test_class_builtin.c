/* The built-in classes against what each release of ADCore has, and what they stage. Their names
 * beside ophyd's are for test_class_ophyd. */
#include "ad/builtin_classes.h"
#include "base/str.h"
#include "core/classtext.h"
#include "lib/facts.h"
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static struct oph__classes *parse_all(void)
{
    struct oph__classes *reg = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_new(NULL, NULL, &reg, &err)) testAbort("%s", err.text);
    for (const struct oph__class_text *c = oph__builtin_classes; c->name; c++) {
        oph_report *report = NULL;
        testOk(oph__classes_parse(reg, c->text, c->name, &report, &err) == 0, "%s has no mistake",
               c->name);
        for (size_t i = 0; i < oph_report_count(report); i++)
            testDiag("%s", oph_report_at(report, i)->text);
        oph_report_free(report);
    }
    return reg;
}

static bool names_record(const struct oph__class *cls, const char *record)
{
    for (size_t i = 0; i < cls->rows.count; i++) {
        const struct oph__row *row = cls->rows.at[i];
        size_t len = strlen(row->suffix);
        if (strcmp(row->suffix, record) == 0) return true;
        if (facts_has_readback(row) && strncmp(row->suffix, record, len) == 0 &&
            strcmp(record + len, "_RBV") == 0)
            return true;
    }
    return false;
}

static bool template_has(const struct facts *records, const char *template, int version,
                         const char *record, size_t len)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct fact *line = &records->lines[i];
        if (strcmp(line->field[0], template) == 0 && facts_in_release(line, version) &&
            strlen(line->field[1]) == len && memcmp(line->field[1], record, len) == 0)
            return true;
    }
    return false;
}

static bool release_has(const struct facts *records, size_t cls, int version, const char *record)
{
    for (int i = 0; i < 3 && facts_classes[cls].templates[i]; i++) {
        const char *template = facts_classes[cls].templates[i];
        if (template_has(records, template, version, record, strcspn(record, "."))) return true;
    }
    return false;
}

/* Every record of a class's templates has a row, and every row has its records. */
static void check_release(const struct facts *records, struct oph__classes *reg, size_t which,
                          int version)
{
    const struct oph__class *cls = facts_get(reg, facts_classes[which].name, version);
    int unnamed = 0, surplus = 0;

    for (size_t i = 0; i < records->count; i++) {
        const struct fact *line = &records->lines[i];
        bool ours = false;
        for (int t = 0; t < 3 && facts_classes[which].templates[t]; t++)
            ours |= strcmp(facts_classes[which].templates[t], line->field[0]) == 0;
        if (ours && facts_in_release(line, version) && !names_record(cls, line->field[1])) {
            testDiag("%s: no row names %s", cls->name, line->field[1]);
            unnamed++;
        }
    }
    for (size_t i = 0; i < cls->rows.count; i++) {
        const struct oph__row *row = cls->rows.at[i];
        char readback[80];
        oph__format(readback, sizeof readback, "%s_RBV", row->suffix);
        if (release_has(records, which, version, row->suffix) &&
            (!facts_has_readback(row) || release_has(records, which, version, readback)))
            continue;
        testDiag("%s: row %s names %s, which this release lacks", cls->name, row->attr,
                 row->suffix);
        surplus++;
    }
    testOk(unnamed == 0, "%s at %d: all records have a name", cls->name, version);
    testOk(surplus == 0, "%s at %d: all rows have a record", cls->name, version);
}

/* Both cams and plugins include NDArrayBase. */
static void check_shared(const struct facts *records, struct oph__classes *reg, int version)
{
    const struct oph__class *both[] = {facts_get(reg, "CamBase", version),
                                       facts_get(reg, "PluginBase", version)};
    int unnamed = 0;

    for (size_t i = 0; i < records->count; i++)
        for (int j = 0; j < 2; j++)
            if (strcmp(records->lines[i].field[0], "NDArrayBase") == 0 &&
                facts_in_release(&records->lines[i], version) &&
                !names_record(both[j], records->lines[i].field[1]))
                unnamed++;
    testOk(unnamed == 0, "NDArrayBase at %d: all records have a name", version);
}

static const struct {
    const char *rtype;
    enum oph__rowtype type;
    bool input;
} rtypes[] = {
    {"ai", OPH__FLOAT, true},        {"ao", OPH__FLOAT, false},       {"calc", OPH__FLOAT, true},
    {"calcout", OPH__FLOAT, false},  {"longin", OPH__INT, true},      {"longout", OPH__INT, false},
    {"bi", OPH__ENUM, true},         {"bo", OPH__ENUM, false},        {"mbbi", OPH__ENUM, true},
    {"mbbo", OPH__ENUM, false},      {"busy", OPH__ENUM, false},      {"stringin", OPH__TEXT, true},
    {"stringout", OPH__TEXT, false}, {"subArray", OPH__ARRAY, false}, {"asyn", OPH__ANY, false},
    {"fanout", OPH__ANY, false},     {"dfanout", OPH__FLOAT, false},  {"seq", OPH__INT, false},
    {"sseq", OPH__INT, false},
};

static bool fits(const struct oph__row *row, const char *rtype)
{
    bool busy = strcmp(rtype, "busy") == 0 || strcmp(row->attr, "acquire") == 0;

    if (strcmp(rtype, "waveform") == 0)
        return (row->type == OPH__TEXT || row->type == OPH__ARRAY) && !row->busy;
    for (size_t i = 0; i < sizeof rtypes / sizeof *rtypes; i++) {
        if (strcmp(rtypes[i].rtype, rtype) != 0) continue;
        /* Setpoint and readback of the sizes are both unpacked from Dimensions. */
        bool unpacked = oph__starts(row->attr, "array_size_all.");
        return row->type == rtypes[i].type && row->busy == busy &&
               (!rtypes[i].input || row->how == OPH__RO || unpacked);
    }
    return false;
}

/* A row that can be written names a record that can be; type and `busy` fit the record. */
static void check_kinds(const struct facts *records, struct oph__classes *reg)
{
    for (size_t c = 0; c < FACTS_CLASSES; c++) {
        int version = facts_newest(records, c, 3014), wrong = 0;
        const struct oph__class *cls = facts_get(reg, facts_classes[c].name, version);
        for (size_t i = 0; i < records->count; i++) {
            const struct fact *line = &records->lines[i];
            if (strcmp(line->field[0], facts_classes[c].templates[0]) != 0 ||
                !facts_in_release(line, version))
                continue;
            for (size_t j = 0; j < cls->rows.count; j++) {
                const struct oph__row *row = cls->rows.at[j];
                if (strcmp(row->suffix, line->field[1]) != 0) continue;
                if (!fits(row, line->field[2])) {
                    testDiag("%s: row %s does not fit a %s record", cls->name, row->attr,
                             line->field[2]);
                    wrong++;
                }
            }
        }
        testOk(wrong == 0, "%s at %d: rows fit the records", cls->name, version);
    }
}

static const struct oph__row *find_row(const struct oph__class *cls, const char *attr)
{
    const struct oph__row *row = oph__class_row(cls, attr);

    for (size_t i = 0; i < cls->others.count && !row; i++)
        if (strcmp(((const struct oph__row *)cls->others.at[i])->attr, attr) == 0)
            row = cls->others.at[i];
    return row;
}

/* What users find in a configuration. */
static void check_config(const struct facts *names, struct oph__classes *reg)
{
    int wrong = 0, checked = 0;

    for (size_t i = 0; i < names->count; i++) {
        char *const *f = names->lines[i].field;
        if (strcmp(f[5], "config") != 0) continue;
        const struct oph__row *row = find_row(facts_get(reg, f[0], 0), f[2]);
        if (!row || row->how == OPH__GONE) continue;
        checked++;
        if (row->kind == OPH__CONFIG) continue;
        testDiag("%s: %s is no config", f[0], f[2]);
        wrong++;
    }
    testOk(wrong == 0 && checked > 0, "%d rows are config as they are in ophyd", checked);
}

/* A camera whose template is not known says so in its doc, and none else does. */
static void check_marks(const struct facts *names, struct oph__classes *reg)
{
    static const char mark[] = " (unverified: rows as ophyd 1.11.2 has them)";
    int wrong = 0, marked = 0;

    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->lines[i].field[0];
        bool camera = oph__ends(name, "Cam") || oph__ends(name, "IO"), known = false;
        if (!camera || (i > 0 && strcmp(name, names->lines[i - 1].field[0]) == 0)) continue;
        const struct oph__class *cls = facts_get(reg, name, 0);
        for (size_t c = 0; c < FACTS_CLASSES; c++)
            known |= strcmp(name, facts_classes[c].name) == 0;
        marked += !known;
        if (oph__ends(cls->doc, mark) != !known || strcmp(cls->doc, mark) == 0) {
            testDiag("%s: doc %s", name, cls->doc);
            wrong++;
        }
    }
    testOk(wrong == 0 && marked > 0, "%d cameras are marked as unverified", marked);
}

static void check_stage(struct oph__classes *reg, const char *expression, const char *plugin,
                        const char *last)
{
    char wanted[400];
    const struct oph__class *cls = facts_get(reg, expression, 0);
    struct oph__buf found = {0};

    oph__format(wanted, sizeof wanted,
                "enable=1 blocking_callbacks=No parent.cam.array_callbacks=1 auto_increment=Yes "
                "array_counter=0 auto_save=Yes num_capture=0 %s",
                last);

    for (size_t i = 0; i < cls->stage.count; i++) {
        const struct oph__stageword *word = cls->stage.at[i];
        oph__buf_addf(&found, "%s=%s ", word->key, word->value.text);
    }
    testOk(found.text && strcmp(found.text, wanted) == 0, "settings of %s", expression);
    testDiag("%s", found.text);
    oph__buf_free(&found);
    testOk(cls->hooks.count == 1 && strcmp(cls->hooks.at[0], "file_store") == 0, "its hook");
    testOk(oph__equal(cls->plugin_type, plugin), "its plugin type");
    testOk(cls->version == 3004, "its version");
}

static void check_stores(struct oph__classes *reg)
{
    static const char stream[] = "file_template=%s%s_%6.6d.h5 file_write_mode=Stream capture=1 ";
    static const char single[] = "file_template=%s%s_%6.6d.h5 file_write_mode=Single ";
    static const char tiff[] = "file_template=%s%s_%6.6d.tiff file_write_mode=Single ";
    static const struct {
        const char *expression, *plugin, *last;
    } stores[] = {
        {"HDF5Plugin@3.4 FileStoreHDF5IterativeWrite", "NDFileHDF5", stream},
        {"FileStoreHDF5IterativeWrite HDF5Plugin_V34", "NDFileHDF5", stream},
        {"HDF5Plugin@3.4 FileStoreHDF5", "NDFileHDF5", stream},
        {"HDF5Plugin@3.4 FileStoreHDF5Single", "NDFileHDF5", single},
        {"HDF5Plugin@3.4 FileStoreHDF5SingleIterativeWrite", "NDFileHDF5", single},
        {"TIFFPlugin@3.4 FileStoreTIFF", "NDFileTIFF", tiff},
        {"FileStoreTIFFIterativeWrite TIFFPlugin@3.4", "NDFileTIFF", tiff},
        {"FileStoreTIFF FileStoreIterativeWrite TIFFPlugin@3.4", "NDFileTIFF", tiff},
        {"TIFFPlugin@3.4 FileStorePluginBase", "NDFileTIFF", ""},
    };
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        check_stage(reg, stores[i].expression, stores[i].plugin, stores[i].last);
}

static void check_detector(struct oph__classes *reg)
{
    static const char text[] =
        "class MyPilatusDetectorCam : PilatusDetectorCam      # bases\n"
        "doc   Pilatus camera with WaitForPlugins\n"
        "row   wait_for_plugins  WaitForPlugins   rw   enum  config\n"
        "class MyPilatusDetector : SingleTrigger DetectorBase\n"
        "dev   cam    cam1:    MyPilatusDetectorCam\n"
        "dev   image  image1:  ImagePlugin\n"
        "dev   hdf1   HDF1:    HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
        "files hdf1   write=/mnt/data/%Y/%m/%d/  read=/export/data/%Y/%m/%d/\n"
        "stage cam    image_mode=Single num_images=1 acquire_time=0.1 acquire_period=0.105\n"
        "stage cam    wait_for_plugins=Yes\n"
        "stage hdf1   lazy_open=1 compression=LZ4 file_template=\"%s%s_%3.3d.h5\"\n";
    oph_error err = OPH_ERROR_INIT;

    testOk(oph__classes_parse(reg, text, "mine", NULL, &err) == 0, "a detector of one's own %s",
           err.text);
    const struct oph__class *cls = facts_get(reg, "MyPilatusDetector", 0);
    testOk(oph__equal(cls->trigger, "single"), "its trigger");
    testOk(cls->stage.count == 2 + 5 + 3, "its settings");
    testOk(cls->devs.count == 3 && cls->files.count == 1, "its devices and files");
    testOk(oph__class_is(cls, "SingleTrigger") && !oph__class_is(cls, "PluginBase"), "what it is");
    cls = facts_get(reg, "MyPilatusDetectorCam", 0);
    const struct oph__row *row = oph__class_row(cls, "wait_for_plugins");
    testOk(row && row->since == 0 && strcmp(row->origin, "mine") == 0, "its own row replaces ours");
    testOk(oph__equal(cls->doc, "Pilatus camera with WaitForPlugins"), "its doc");
}

static void check_options(struct oph__classes *reg)
{
    const struct oph__class *hdf = facts_get(reg, "HDF5Plugin", 0);
    const struct oph__class *cam = facts_get(reg, "PilatusDetectorCam", 0);

    testOk1(oph__class_row(hdf, "array_counter")->counter);
    testOk1(oph__class_row(hdf, "dropped_arrays")->counter);
    testOk1(oph__class_row(hdf, "file_number")->moves);
    testOk1(oph__class_row(hdf, "capture")->how == OPH__START);
    testOk1(oph__class_row(hdf, "flush_now")->busy);
    testOk1(oph__class_row(hdf, "file_path")->how == OPH__PATH);
    testOk1(oph__equal(oph__class_row(hdf, "file_path")->after, "create_directory"));
    testOk1(oph__class_row(cam, "acquire")->how == OPH__START);
    testOk1(oph__class_row(cam, "threshold_energy")->slow == 110);
    testOk1(oph__class_row(cam, "gain")->slow == 110);
    testOk1(oph__class_row(cam, "pool_max_buffers") == NULL);
}

int main(void)
{
    testPlan(0);
    struct facts records = facts_load("tests/data/records.csv"),
                 names = facts_load("tests/data/names.csv");
    struct oph__classes *reg = parse_all();

    for (int r = 0; r < FACTS_RELEASES; r++) {
        int version = oph__version_parse(facts_releases[r]);
        for (size_t c = 0; c < FACTS_CLASSES; c++)
            if (facts_newest(&records, c, version) == version)
                check_release(&records, reg, c, version);
        check_shared(&records, reg, version);
    }
    check_kinds(&records, reg);
    check_config(&names, reg);
    check_marks(&names, reg);
    check_stores(reg);
    check_options(reg);
    check_detector(reg);
    oph__classes_free(reg);
    facts_unload(&records);
    facts_unload(&names);
    return testDone();
}
