/* What a stage would write, and what unstaging would put back: before it, without writing anything.
 *
 *     plan [PREFIX] */
#include <cophyd/cophyd.h>

static const char classes[] =
    "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
    "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
    "files hdf1 write=/mnt/fileserver/data/\n"
    "stage cam  num_images=1 acquire_time=0.1 acquire_period=0.105 wait_for_plugins=Yes\n"
    "stage hdf1 lazy_open=1 file_name=scan\n";

/* One setting: what it is, what it gets, and what it is again afterwards. */
static void show(const oph_plan_row *row)
{
    printf("%d  %s: %s, becomes %s", (int)row->step, row->pv, row->setpoint_found, row->value);
    if (!row->restore) printf(", and is not put back");
    puts(row->flags & OPH_PLAN_STARTS ? "; starts" : "");
}

static int show_plan(oph_device *det, const oph_stage_options *options, oph_error *err)
{
    oph_plan *plan = NULL;
    oph_report *report = NULL;
    size_t written = 0;
    int rc = oph_plan_new(det, options, &plan, &report, err);
    if (rc) oph_report_print(report, stdout); /* all that would be refused */
    for (size_t i = 0; !rc && i < oph_plan_count(plan); i++) {
        const oph_plan_row *row = oph_plan_at(plan, i);
        if (row->flags & OPH_PLAN_SKIPPED) continue;
        if (!options) show(row);
        written++;
    }
    if (!rc) printf("%zu of %zu would be written\n", written, oph_plan_count(plan));
    oph_report_free(report);
    oph_plan_free(plan);
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    const oph_stage_options changes = {.size = sizeof changes, .skip_unchanged = 1};
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "plan.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = show_plan(det, NULL, &err);
    if (!rc) rc = show_plan(det, &changes, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
