/* Each class of ophyd, at each version that it has one for, beside ours at that version: names of
 * attributes, names of PVs, how they are used, and the order. Where ours is another, a table has
 * the reason. */
#include "ad/builtin_classes.h"
#include "base/str.h"
#include "core/classtext.h"
#include "lib/facts.h"
#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

/* families.csv: class, bases, versions; names.csv: what each version adds or changes, as class,
 * since, attribute, suffix or "", how or a device's class, kind; ophyd_differences.csv: a line of
 * names.csv by its first three fields, the versions from and to at which ours is another, its
 * suffix, its how, the reason. */
static struct facts families, names, differences;

static const struct {
    const char *cls, *why;
} left_out[] = {
    {"GatherNPlugin", "the rows of CommonGatherPlugin have its number in the PV's name"},
};

static const char by_name[] = "grouped by subject; ophyd sorts by name";
static const char regrouped[] = "grouped by subject; ophyd has other groups";
static const char identity[] =
    "grouped by subject; what CamBase has of the camera's identity is there";
static const char sizes[] =
    "grouped by subject; its sizes are its own, ophyd's took PluginBase's place";
static const char files[] = "grouped by subject; what FileBase has is there";

/* A base counts where its rows are, once for all that derive from it. */
static const struct {
    const char *cls, *why;
} orders[] = {
    {"PluginBase", by_name},
    {"StatsPlugin", by_name},
    {"ProcessPlugin", by_name},
    {"Overlay", by_name},
    {"ROIPlugin", sizes},
    {"TransformPlugin", sizes},
    {"FileBase", by_name},
    {"FilePlugin", files},
    {"KafkaPlugin", by_name},
    {"HDF5Plugin", by_name},
    {"MagickPlugin", by_name},
    {"ROIStatPlugin", by_name},
    {"ROIStatNPlugin", by_name},
    {"FFTPlugin", by_name},
    {"PosPlugin", by_name},
    {"CircularBuffPlugin", by_name},
    {"AttributeNPlugin", by_name},
    {"TimeSeriesPlugin", by_name},
    {"CodecPlugin", by_name},
    {"AttributePlugin", sizes},
    {"CamBase", by_name},
    {"SimDetectorCam", by_name},
    {"AdscDetectorCam", by_name},
    {"Andor3DetectorCam", identity},
    {"DexelaDetectorCam", identity},
    {"EmergentVisionDetectorCam", regrouped},
    {"EigerDetectorCam", regrouped},
    {"FirewireLinDetectorCam", by_name},
    {"FirewireWinDetectorCam", by_name},
    {"GreatEyesDetectorCam", by_name},
    {"Lambda750kCam", identity},
    {"LightFieldDetectorCam", by_name},
    {"Mar345DetectorCam", by_name},
    {"MarCCDDetectorCam", by_name},
    {"PcoDetectorCam", by_name},
    {"PerkinElmerDetectorCam", by_name},
    {"PICamDetectorCam", regrouped},
    {"PilatusDetectorCam", by_name},
    {"PixiradDetectorCam", by_name},
    {"PointGreyDetectorCam", identity},
    {"ProsilicaDetectorCam", by_name},
    {"PvcamDetectorCam", by_name},
    {"RoperDetectorCam", by_name},
    {"URLDetectorCam", regrouped},
    {"UVCDetectorCam", regrouped},
    {"Xspress3DetectorCam", by_name},
    {"CommonGatherPlugin", by_name},
};
enum { ORDERS = sizeof orders / sizeof *orders, MOST = 900 };

/* ophyd's plugins without a version are of areaDetector 1.9; its cameras, detectors and sets (-) of
 * no version. */
static int version_of(const char *text)
{
    if (strcmp(text, "-") == 0) return 0;
    return strcmp(text, "0") == 0 ? 1009 : oph__version_parse(text);
}

struct attribute {
    const struct fact *line;
    const char *first; /* the class that had it first, and so its place */
};
/* A class of ophyd at one version, in its order. */
struct resolved {
    struct attribute at[MOST];
    size_t count;
};

static bool is_part(const char *attr, const char *group)
{
    size_t len = strlen(group);

    return strncmp(attr, group, len) == 0 && attr[len] == '.';
}

/* What it replaces gives it the place: the same attribute, or a group and its parts. A new part of
 * a group stands behind the others. */
static void apply(struct resolved *r, const struct fact *line)
{
    const char *attr = line->field[2], *first = line->field[0];
    size_t place = r->count, head = strcspn(attr, ".");

    for (size_t i = r->count; i-- > 0;) {
        const char *other = r->at[i].line->field[2];
        bool sibling = attr[head] && strncmp(attr, other, head) == 0 && other[head] == '.';
        if (strcmp(attr, other) == 0 || is_part(attr, other) || is_part(other, attr)) {
            first = r->at[i].first;
            memmove(&r->at[i], &r->at[i + 1], (--r->count - i) * sizeof r->at[0]);
            place = i;
        } else if (sibling && place == r->count) {
            place = i + 1;
        }
    }
    if (r->count == MOST) testAbort("more than %d attributes", MOST);
    memmove(&r->at[place + 1], &r->at[place], (r->count++ - place) * sizeof r->at[0]);
    r->at[place] = (struct attribute){.line = line, .first = first};
}

static const struct fact *find_family(const char *name, size_t len)
{
    for (size_t i = 0; i < families.count; i++) {
        const char *found = families.lines[i].field[0];
        if (strlen(found) == len && memcmp(found, name, len) == 0) return &families.lines[i];
    }
    return NULL;
}

/* As Python inherits: the bases one after the other, then what the class adds by version. */
static void resolve(const struct fact *family, int version, struct resolved *r)
{
    for (const char *p = family->field[1]; *p;) {
        size_t len = strcspn(p, " ");
        const struct fact *base = find_family(p, len);
        if (base) resolve(base, version, r);
        p += len;
        p += strspn(p, " ");
    }
    for (size_t i = 0; i < names.count; i++) {
        const struct fact *line = &names.lines[i];
        bool there = !version || version_of(line->field[1]) <= version;
        if (there && strcmp(line->field[0], family->field[0]) == 0) apply(r, line);
    }
}

/* What our class has under a name, or under it as a group. */
struct ours {
    const char *suffix, *how;
};

static struct ours find_ours(const struct oph__class *cls, const char *attr)
{
    for (size_t i = 0; i < cls->devs.count; i++) {
        const struct oph__devrow *dev = cls->devs.at[i];
        if (strcmp(dev->attr, attr) == 0) return (struct ours){dev->suffix, dev->classes};
    }
    for (size_t i = 0; i < cls->rows.count; i++) {
        const struct oph__row *row = cls->rows.at[i];
        if (strcmp(row->attr, attr) == 0)
            return (struct ours){row->suffix, oph_how_name((int32_t)row->how)};
        if (is_part(row->attr, attr)) return (struct ours){row->suffix, "group"};
    }
    return (struct ours){"", "none"};
}

/* ophyd has no name of its own for what is started and stopped. */
static bool is_same(const struct fact *line, struct ours ours)
{
    const char *how = line->field[4];

    if (strcmp(how, "removed") == 0) return strcmp(ours.how, "none") == 0;
    if (strcmp(line->field[3], ours.suffix) != 0) return false;
    if (strcmp(how, "rbv") == 0)
        return strcmp(ours.how, "rbv") == 0 || strcmp(ours.how, "path") == 0 ||
               strcmp(ours.how, "start") == 0;
    return strcmp(ours.how, how) == 0;
}

static size_t find_difference(const struct fact *line, int version)
{
    for (size_t i = 0; i < differences.count; i++) {
        char *const *f = differences.lines[i].field;
        if (strcmp(f[0], line->field[0]) == 0 && strcmp(f[1], line->field[1]) == 0 &&
            strcmp(f[2], line->field[2]) == 0 && version_of(f[3]) <= version &&
            version <= version_of(f[4]))
            return i;
    }
    return differences.count;
}

static int check_attributes(const struct oph__class *cls, const struct resolved *r, int version,
                            bool *used)
{
    int wrong = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct fact *line = r->at[i].line;
        struct ours ours = find_ours(cls, line->field[2]);
        size_t entry = find_difference(line, version);
        bool listed = entry < differences.count, same = is_same(line, ours);
        if (listed) {
            char *const *f = differences.lines[entry].field;
            used[entry] = true;
            if (!same && strcmp(f[5], ours.suffix) == 0 && strcmp(f[6], ours.how) == 0) continue;
        } else if (same) {
            continue;
        }
        testDiag("%s: %s,%s,%s of ophyd is %s,%s%s", cls->name, line->field[2], line->field[3],
                 line->field[4], ours.suffix, ours.how, listed ? ", and not as it is listed" : "");
        wrong++;
    }
    return wrong;
}

static void charge(const char *name, bool *charged, int *ret_wrong)
{
    for (size_t i = 0; i < ORDERS; i++) {
        if (strcmp(orders[i].cls, name) != 0) continue;
        charged[i] = true;
        return;
    }
    testDiag("%s has another order", name);
    ++*ret_wrong;
}

static size_t place_in(const struct oph__class *cls, const char *attr)
{
    for (size_t i = 0; i < cls->rows.count; i++)
        if (strcmp(((const struct oph__row *)cls->rows.at[i])->attr, attr) == 0) return i;
    return SIZE_MAX;
}

/* Two that one class has are for that class to have in order. Others are for the class at hand,
 * unless its only base has both. */
static int check_order(const struct oph__class *cls, const struct fact *family,
                       const struct resolved *r, bool *charged)
{
    static size_t places[MOST];
    const char *name = family->field[0];
    bool heir = !strchr(family->field[1], ' ');
    int wrong = 0;

    for (size_t i = 0; i < r->count && !wrong; i++) {
        places[i] = place_in(cls, r->at[i].line->field[2]);
        for (size_t j = 0; j < i && places[i] != SIZE_MAX && !wrong; j++) {
            if (places[j] == SIZE_MAX || places[j] < places[i]) continue;
            bool one = strcmp(r->at[i].first, r->at[j].first) == 0;
            bool own = strcmp(r->at[i].first, name) == 0 || strcmp(r->at[j].first, name) == 0;
            if (one || own || !heir) charge(one ? r->at[i].first : name, charged, &wrong);
        }
    }
    return wrong;
}

/* True: ours is there, and was compared. */
static bool check_class(struct oph__classes *reg, const struct fact *family, const char *at,
                        bool *used, bool *charged)
{
    static struct resolved r;
    const char *name = family->field[0];
    int version = version_of(at);
    const struct oph__class *cls = NULL;

    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (strcmp(left_out[i].cls, name) != 0) continue;
        return oph__classes_get(reg, name, version, &cls, NULL) == OPH_ENOTFOUND;
    }
    cls = facts_get(reg, name, version);
    r.count = 0;
    resolve(family, version, &r);
    int wrong = check_attributes(cls, &r, version, used);
    return wrong + check_order(cls, family, &r, charged) == 0;
}

static void check_all(struct oph__classes *reg, bool *used, bool *charged)
{
    int versioned = 0, plain = 0, others = 0;

    for (size_t i = 0; i < families.count; i++) {
        const struct fact *family = &families.lines[i];
        for (const char *p = family->field[2]; *p;) {
            char at[8];
            size_t len = strcspn(p, " ");
            oph__format(at, sizeof at, "%.*s", (int)len, p);
            testOk(check_class(reg, family, at, used, charged), "%s %s", family->field[0], at);
            if (strcmp(at, "-") == 0)
                others++;
            else if (strcmp(at, "0") == 0)
                plain++;
            else
                versioned++;
            p += len;
            p += strspn(p, " ");
        }
    }
    testOk(versioned == 206 && plain == 34 && others == 67,
           "%d plugins with a version, %d without, and %d others", versioned, plain, others);
}

int main(void)
{
    static bool charged[ORDERS];
    struct oph__classes *reg = NULL;
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    families = facts_load("tests/data/families.csv");
    names = facts_load("tests/data/names.csv");
    differences = facts_load("tests/data/ophyd_differences.csv");
    bool *used = calloc(differences.count + 1, sizeof *used);
    if (!used || oph__classes_new(NULL, NULL, &reg, &err) ||
        oph__classes_shelve(reg, oph__builtin_classes, &err))
        testAbort("%s", err.text);
    check_all(reg, used, charged);
    for (size_t i = 0; i < differences.count; i++) {
        char *const *f = differences.lines[i].field;
        testOk(used[i] && *f[7], "%s.%s is %s %s: %s", f[0], f[2], f[5], f[6], f[7]);
    }
    for (size_t i = 0; i < ORDERS; i++)
        testOk(charged[i], "%s has its own order: %s", orders[i].cls, orders[i].why);
    free(used);
    oph__classes_free(reg);
    facts_unload(&families);
    facts_unload(&names);
    facts_unload(&differences);
    return testDone();
}
