/* examples/pilatus.c as a user runs it. */
#include "lib/detector.h"
#include "lib/program.h"

#include <epicsUnitTest.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct detector d;

static void run(const char *const *arguments, double seconds, struct program_end *end)
{
    struct program p;
    program_start(&p, "pilatus", arguments);
    program_wait(&p, seconds, end);
}

static void tell(const struct program_end *end)
{
    testDiag("exit %d after %.2f s", end->code, end->seconds);
    for (const char *line = end->out; *line; line += strcspn(line, "\n"), line += *line == '\n')
        testDiag("out: %.*s", (int)strcspn(line, "\n"), line);
    for (const char *line = end->err; *line; line += strcspn(line, "\n"), line += *line == '\n')
        testDiag("err: %.*s", (int)strcspn(line, "\n"), line);
}

/* The next line of the output is this, where # stands for any hexadecimal digit. */
static const char *line_is(const char *out, const char *wanted)
{
    size_t n = strcspn(out, "\n");
    int same = n == strlen(wanted) && out[n] == '\n';
    for (size_t i = 0; same && i < n; i++)
        same = wanted[i] == '#' ? strchr("0123456789abcdef", out[i]) != NULL : out[i] == wanted[i];
    testOk(same, "%.*s", (int)n, out);
    if (!same) testDiag("wanted %s", wanted);
    return out + n + (out[n] == '\n');
}

static long sum_of_frame(int frame)
{
    long sum = 0;
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++)
            sum += (7919 * frame + 2500 * y + x) % 1048576;
    return sum;
}

static void takes_an_image(int frame)
{
    const char name[] = "test/pilatus/%Y/%m/%d/########-####-####-####_000.h5";
    struct program_end end;
    char below[200], line[300];
    time_t now = time(NULL);
    struct tm when;
    run((const char *const[]){"Pilatus:", DETECTOR_DISK, d.disk, NULL}, 20, &end);
    strftime(below, sizeof below, name, localtime_r(&now, &when));
    testOk(end.code == 0 && !end.err[0], "it ends well");
    if (end.code || end.err[0]) tell(&end);
    const char *out = end.out;
    out = line_is(out, "ADTriggerStatus(device=det, done=False, success=False)");
    out = line_is(out, "ADTriggerStatus(device=det, done=True, success=True)");
    snprintf(line, sizeof line, "IOC file: %s/%s", DETECTOR_DISK, below);
    out = line_is(out, line);
    snprintf(line, sizeof line, "local file: %s/%s", d.disk, below);
    out = line_is(out, line);
    out = line_is(out, "exists: True");
    out = line_is(out, "shape: (1, 48, 64)");
    out = line_is(out, "dtype: int32");
    snprintf(line, sizeof line, "sum: %ld", sum_of_frame(frame));
    out = line_is(out, line);
    testOk(*out == '\0', "and that is all");
    detector_unchanged(&d, "it");
}

/* One sentence, and exit code 1. */
static void fails(const struct program_end *end, const char *sentence, double most)
{
    size_t n = strcspn(end->err, "\n");
    int one = strncmp(end->err, "cophyd: ", 8) == 0 && end->err[n] == '\n' && !end->err[n + 1];
    int ok = end->code == 1 && one && strstr(end->err, sentence) && end->seconds <= most;
    testOk(ok, "after %.2f s: %.*s", end->seconds, (int)n, end->err);
    if (!ok) tell(end);
}

static void cannot_work(void)
{
    struct program_end end;
    run((const char *const[]){"Nowhere:", DETECTOR_DISK, d.disk, NULL}, 20, &end);
    fails(&end, "det.cam.acquire (Nowhere:cam1:Acquire): wanted a connection, found", 8);
    testOk(!end.out[0], "nothing is said of an acquisition");
    run((const char *const[]){"Pilatus:", "/proc/none", d.disk, NULL}, 20, &end);
    fails(&end,
          "det.hdf1.file_path_exists (Pilatus:HDF1:FilePathExists_RBV): wanted "
          "/proc/none/test/pilatus/20",
          8);
    detector_unchanged(&d, "a folder that cannot be made");
    run((const char *const[]){"Pilatus:", DETECTOR_DISK, "/proc/none", NULL}, 20, &end);
    fails(&end, "/proc/none/test/pilatus/20", 15);
    testOk(strstr(end.out, "\nexists: False\n") != NULL, "a file that is not where we look");
    detector_unchanged(&d, "a wrong read root");
    run((const char *const[]){"Pilatus:", "relative", NULL}, 20, &end);
    fails(&end, "relative/test/pilatus", 5);
}

static void bad_arguments(void)
{
    struct program_end end;
    run((const char *const[]){"--help", NULL}, 5, &end);
    testOk(end.code == 2 && strncmp(end.err, "usage: pilatus", 14) == 0 && !end.out[0],
           "an option");
    run((const char *const[]){"a", "b", "c", "d", NULL}, 5, &end);
    testOk(end.code == 2 && strncmp(end.err, "usage: pilatus", 14) == 0 && !end.out[0],
           "too many arguments");
}

/* In the middle of an exposure that would not end for 10 s. */
static void interrupted(int signal_number)
{
    struct program p;
    struct program_end end;
    int mark = probe_mark(d.probe);
    program_start(&p, "pilatus", (const char *const[]){"Pilatus:", DETECTOR_DISK, d.disk, NULL});
    testOk(probe_wait(d.probe, mark, "cam1:Armed", "Armed", 10) >= 0, "it acquires");
    kill(p.pid, signal_number);
    program_wait(&p, 20, &end);
    fails(&end, "interrupted", 9);
    line_is(end.out, "ADTriggerStatus(device=det, done=False, success=False)");
    detector_unchanged(&d, "a signal");
}

int main(void)
{
    testPlan(0);
    detector_start_ioc(&d, NULL);
    /* The program's own put, made before it stages. */
    testOk(probe_put_complete(d.probe, "HDF1:CreateDirectory", "-5", 5) == 0,
           "folders may be made");
    detector_remember(&d);
    takes_an_image(1);
    takes_an_image(2);
    cannot_work();
    bad_arguments();
    detector_end(&d);

    detector_start_ioc(&d, (const char *const[]){"--fault=ExposureHangs", NULL});
    testOk(probe_put_complete(d.probe, "HDF1:CreateDirectory", "-5", 5) == 0 &&
               probe_watch(d.probe, (const char *const[]){"cam1:Armed"}, 1) == 0,
           "a witness watches an IOC whose exposures do not end");
    detector_remember(&d);
    interrupted(SIGINT);
    interrupted(SIGTERM);
    detector_end(&d);
    return testDone();
}
