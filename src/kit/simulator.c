#include <cophyd/simulator.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READY_SECONDS = 90, END_SECONDS = 5, OWN_ARGUMENTS = 3 };

static char own_name[] = "cophyd-sim"; /* argv[0] of it, too, which is no const */
static const char ready_words[] = " ready on 127.0.0.1:";

struct oph_simulator {
    pid_t pid; /* 0: none */
    bool paused;
    int port, log;
    char port_text[16], address[32];
    char program[512];
    char **arguments; /* own_name, --port, port_text, the caller's, NULL */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int fail(oph_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(oph_error *err, int code, const char *format, ...)
{
    va_list args;
    if (!err) return code;
    memset(err, 0, sizeof *err);
    err->code = code;
    err->waited = -1;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

static int fail_errno(oph_error *err, const char *what)
{
    return fail(err, OPH_ESYSTEM, "%s: %s", what, strerror(errno));
}

const char *oph_simulator_log(const oph_simulator *sim, char *ret, size_t size)
{
    off_t end = lseek(sim->log, 0, SEEK_END);
    off_t from = end > (off_t)size - 1 ? end - ((off_t)size - 1) : 0;
    ssize_t got = size ? pread(sim->log, ret, size - 1, from) : -1;
    if (got < 0) got = 0;
    if (size) ret[got] = '\0';
    char *line = from > 0 && size ? strchr(ret, '\n') : NULL;
    if (line && line[1]) memmove(ret, line + 1, strlen(line + 1) + 1);
    return ret;
}

/* A failure of the simulator: with its last line. */
static int fail_said(oph_error *err, int code, const oph_simulator *sim, const char *what)
{
    char said[512], *line = said;
    oph_simulator_log(sim, said, sizeof said);
    size_t length = strlen(said);
    while (length && said[length - 1] == '\n')
        said[--length] = '\0';
    for (char *c = said; *c; c++)
        if (*c == '\n') line = c + 1;
    return fail(err, code, "%s %s%s%s", sim->program, what, *line ? ": " : "", line);
}

/* Its exit status, when it has ended or will at once. */
static int reap(oph_simulator *sim)
{
    int status = 0;
    while (sim->pid && waitpid(sim->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    sim->pid = 0;
    sim->paused = false;
    return status;
}

static void end_now(oph_simulator *sim)
{
    if (sim->pid) kill(sim->pid, SIGKILL);
    reap(sim);
}

static void find_program(oph_simulator *sim)
{
    const char *named = getenv("COPHYD_SIM");
    size_t size = sizeof sim->program;
    snprintf(sim->program, size, "%s", named ? named : own_name);
    if (named) return;
    char beside[sizeof sim->program] = "";
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - sizeof own_name);
    char *slash = length > 0 ? strrchr(beside, '/') : NULL;
    if (!slash) return;
    memcpy(slash + 1, own_name, sizeof own_name);
    if (access(beside, X_OK) == 0) memcpy(sim->program, beside, strlen(beside) + 1);
}

/* Reads until two lines are there; the first ends with the port. */
static int read_ready(oph_simulator *sim, int in, oph_error *err)
{
    char text[512] = "";
    size_t used = 0;
    double deadline = now() + READY_SECONDS;
    const char *first_end = NULL;
    while (!(first_end = strchr(text, '\n')) || !strchr(first_end + 1, '\n')) {
        struct pollfd fd = {.fd = in, .events = POLLIN};
        int left = (int)((deadline - now()) * 1e3);
        int there = left > 0 ? poll(&fd, 1, left) : 0;
        if (there < 0 && errno == EINTR) continue;
        if (there <= 0) return fail_said(err, OPH_ETIMEOUT, sim, "was not ready in time");
        ssize_t got = read(in, text + used, sizeof text - 1 - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            int status = reap(sim);
            bool wrong = WIFEXITED(status) && WEXITSTATUS(status) == 2;
            return fail_said(err, wrong ? OPH_EINVAL : OPH_ESYSTEM, sim,
                             "ended before it was ready");
        }
        used += (size_t)got;
        text[used] = '\0';
    }
    const char *ready = strstr(text, ready_words);
    sim->port = ready ? (int)strtol(ready + strlen(ready_words), NULL, 10) : 0;
    return sim->port > 0 ? 0 : fail_said(err, OPH_ESYSTEM, sim, "printed no port");
}

static int spawn(oph_simulator *sim, int out, oph_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0) return fail(err, OPH_ENOMEM, "no memory");
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return fail(err, OPH_ENOMEM, "no memory");
    }
    /* What this thread blocks would stay blocked there: SIGTERM too. */
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, sim->log, STDERR_FILENO);
    int failed =
        posix_spawnp(&sim->pid, sim->program, &actions, &attributes, sim->arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (!failed) return 0;
    sim->pid = 0;
    return fail(err, OPH_ESYSTEM, "the simulator %s: %s", sim->program, strerror(failed));
}

static int launch(oph_simulator *sim, oph_error *err)
{
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) return fail_errno(err, "a pipe from the simulator");
    int rc = spawn(sim, out[1], err);
    close(out[1]);
    if (!rc) rc = read_ready(sim, out[0], err);
    close(out[0]);
    if (rc) end_now(sim);
    return rc;
}

static void free_simulator(oph_simulator *sim)
{
    for (char **own = sim->arguments; own && *own; own++)
        if (own - sim->arguments >= OWN_ARGUMENTS) free(*own);
    free(sim->arguments);
    if (sim->log >= 0) close(sim->log);
    free(sim);
}

static oph_simulator *new_simulator(const char *const *arguments)
{
    static char port[] = "--port";
    oph_simulator *sim = calloc(1, sizeof *sim);
    size_t count = 0;
    if (!sim) return NULL;
    sim->log = -1;
    while (arguments && arguments[count])
        count++;
    sim->arguments = calloc(OWN_ARGUMENTS + count + 1, sizeof *sim->arguments);
    bool ok = sim->arguments != NULL;
    if (ok) {
        sim->arguments[0] = own_name;
        sim->arguments[1] = port;
        sim->arguments[2] = sim->port_text;
    }
    for (size_t i = 0; i < count && ok; i++)
        ok = (sim->arguments[OWN_ARGUMENTS + i] = strdup(arguments[i])) != NULL;
    if (ok) return sim;
    free_simulator(sim);
    return NULL;
}

int oph_simulator_start(const char *const *arguments, oph_simulator **ret, oph_error *err)
{
    oph_simulator *sim = new_simulator(arguments);
    if (!sim) return fail(err, OPH_ENOMEM, "no memory for a simulator");
    int rc = 0;
    find_program(sim);
    snprintf(sim->port_text, sizeof sim->port_text, "auto");
    sim->log = memfd_create("cophyd-sim's standard error", MFD_CLOEXEC);
    if (sim->log < 0) rc = fail_errno(err, "a file for the simulator's standard error");
    if (!rc) rc = launch(sim, err);
    if (rc) {
        free_simulator(sim);
        return rc;
    }
    snprintf(sim->port_text, sizeof sim->port_text, "%d", sim->port);
    snprintf(sim->address, sizeof sim->address, "127.0.0.1:%d", sim->port);
    *ret = sim;
    return 0;
}

const char *oph_simulator_address(const oph_simulator *sim)
{
    return sim->address;
}

int oph_simulator_port(const oph_simulator *sim)
{
    return sim->port;
}

long oph_simulator_pid(const oph_simulator *sim)
{
    return sim->pid;
}

int oph_simulator_use(oph_simulator *const *sims, size_t count, oph_error *err)
{
    size_t size = count * sizeof sims[0]->address + 1, used = 0;
    char *list = malloc(size);
    if (!list) return fail(err, OPH_ENOMEM, "no memory for addresses");
    *list = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(list + used, size - used, "%s%s", i ? " " : "", sims[i]->address);
    int rc = 0;
    if (setenv("EPICS_CA_NAME_SERVERS", list, 1) != 0 || setenv("EPICS_CA_ADDR_LIST", "", 1) != 0 ||
        setenv("EPICS_CA_AUTO_ADDR_LIST", "NO", 1) != 0)
        rc = fail_errno(err, "the environment of Channel Access");
    free(list);
    return rc;
}

/* Whether it has ended in time. The Linux of Enterprise Linux 8 has no descriptor that tells it. */
static bool ends(const oph_simulator *sim)
{
    double deadline = now() + END_SECONDS;
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)sim->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && !info.si_pid) {
        if (now() > deadline) return false;
        poll(NULL, 0, 2);
    }
    return true;
}

int oph_simulator_stop(oph_simulator *sim, oph_error *err)
{
    int rc = 0;
    if (!sim) return 0;
    if (sim->pid) {
        kill(sim->pid, SIGCONT);
        kill(sim->pid, SIGTERM);
        if (ends(sim)) {
            int status = reap(sim);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                rc = fail_said(err, OPH_ESTATE, sim, "had not been well");
        } else {
            rc = fail_said(err, OPH_ESTATE, sim, "did not end on SIGTERM");
            end_now(sim);
        }
    }
    free_simulator(sim);
    return rc;
}

static int running(const oph_simulator *sim, oph_error *err)
{
    return sim->pid ? 0 : fail(err, OPH_ESTATE, "the simulator %s does not run", sim->program);
}

int oph_simulator_kill(oph_simulator *sim, oph_error *err)
{
    int rc = running(sim, err);
    if (!rc) end_now(sim);
    return rc;
}

int oph_simulator_restart(oph_simulator *sim, oph_error *err)
{
    end_now(sim);
    return launch(sim, err);
}

int oph_simulator_pause(oph_simulator *sim, oph_error *err)
{
    siginfo_t stopped;
    int rc = running(sim, err);
    if (rc || sim->paused) return rc;
    kill(sim->pid, SIGSTOP);
    /* It stands still only when it says so; that it has ended is left for later. */
    while (waitid(P_PID, (id_t)sim->pid, &stopped, WSTOPPED | WEXITED | WNOWAIT) != 0)
        if (errno != EINTR) return fail_errno(err, "waiting for the simulator to stand still");
    if (stopped.si_code != CLD_STOPPED) return fail_said(err, OPH_ESTATE, sim, "has ended");
    waitid(P_PID, (id_t)sim->pid, &stopped, WSTOPPED | WNOHANG);
    sim->paused = true;
    return 0;
}

int oph_simulator_resume(oph_simulator *sim, oph_error *err)
{
    int rc = running(sim, err);
    if (!rc && kill(sim->pid, SIGCONT) != 0) rc = fail_errno(err, "resuming the simulator");
    if (!rc) sim->paused = false;
    return rc;
}
