/* Nothing is written to the terminal, whatever libca has to say: it goes to the log. The variables
 * of libca are honoured, and the environment stays as it is. Each scene is a process of its own. */
#include "lib/events.h"
#include "lib/mini.h"

#include <arpa/inet.h>
#include <epicsUnitTest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { TO_PARENT = 3, LONG = 60, LIMIT = 100 };

static atomic_int lines; /* that came to the log */

static void on_line(void *user, int32_t level, const char *line)
{
    (void)user, (void)level, (void)line;
    atomic_fetch_add(&lines, 1);
}

/* Scenes. Each returns 0 when all was as it should be, else the number of the step that was not. */

static oph_context *ctx;
static oph_device *dev;

static int use(void)
{
    double value;
    if (oph_connect(dev, LONG, NULL, NULL)) return 1;
    if (oph_get_double(dev, "ao", &value, NULL)) return 2;
    return oph_put(dev, "longout", 3, NULL) ? 3 : 0;
}

static int be_killed(void)
{
    struct events said;
    double value;
    int rc = use();
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "ai", NULL);
    if (!rc && !events_have(&said, "1.5", LONG)) rc = 4;
    if (!rc && write(TO_PARENT, "k", 1) != 1) rc = 5; /* it kills the IOC */
    if (!rc && !events_have(&said, "disconnected", LONG)) rc = 6;
    if (!rc && oph_get_double(dev, "ao", &value, NULL) != OPH_EDISCONN) rc = 7;
    if (!rc && oph_put(dev, "ao", 1, NULL) != OPH_EDISCONN) rc = 8;
    oph_subscription_free(sub);
    events_free(&said);
    return rc;
}

static int be_refused(void)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = use();
    if (!rc && oph_put(dev, "disp", 1, NULL)) rc = 4;
    if (!rc && oph_put(dev, "ao", 3, &err) != OPH_EPUT) rc = 5;
    if (!rc && oph_put(dev, "disp", 0, NULL)) rc = 6;
    if (!rc && oph_put(dev, "ao", 3, &err)) rc = 7;
    return rc;
}

/* What is wrong is told, and nothing is sent. */
static int be_wrong(void)
{
    oph_error err = OPH_ERROR_INIT;
    return oph_connect(dev, 1, NULL, &err) == OPH_EINVAL && strstr(err.text, "'soon'") ? 0 : 1;
}

/* A number, but none that libca takes. */
static int be_no_number(void)
{
    oph_error err = OPH_ERROR_INIT;
    return oph_connect(dev, 1, NULL, &err) == OPH_EINVAL && strstr(err.text, "EPICS_CA_") ? 0 : 1;
}

static int find_nobody(void)
{
    return oph_connect(dev, 1, NULL, NULL) == OPH_EDISCONN ? 0 : 1;
}

static int fork_one(void)
{
    int status = -1, rc = use();
    if (rc) return rc;
    pid_t child = fork();
    if (child == 0) {
        alarm(LONG);
        int failed = oph_connect(dev, 1, NULL, NULL) != OPH_EFORK;
        oph_device_free(dev);
        oph_context_free(ctx);
        _exit(failed);
    }
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) return 4;
    return use() ? 5 : 0;
}

/* Ends with all of it as it is. */
static int leave(void)
{
    oph_subscription *sub = NULL;
    oph_signal *sig = NULL;
    oph_queue *queue = NULL;
    int rc = use();
    if (!rc && oph_queue_new(ctx, &queue, NULL)) rc = 4;
    if (!rc && oph_signal_find(dev, "ticks", &sig, NULL)) rc = 5;
    if (!rc && oph_subscribe_queue(sig, NULL, queue, NULL, &sub, NULL)) rc = 6;
    if (!rc) exit(0);
    return rc;
}

#define PORT "EPICS_CA_SERVER_PORT"
#define REPEATER "EPICS_CA_REPEATER_PORT"
#define LIST "EPICS_CA_ADDR_LIST"
#define SERVERS "EPICS_CA_NAME_SERVERS"

static const struct scene {
    const char *name;
    int (*play)(void);
    /* Variables: "PORT" stands for the IOC's, "HERE" for 127.0.0.1:PORT, "FREE" for a port that
     * nobody has. */
    const char *set[3][2];
} scenes[] = {
    {"an IOC is found by " SERVERS, use, {{SERVERS, "HERE"}}},
    {"by " LIST, use, {{LIST, "HERE"}}},
    {"by " LIST " and " PORT, use, {{LIST, "127.0.0.1"}, {PORT, "PORT"}}},
    {"by none of them", find_nobody, {{LIST, ""}}},
    {"a name server that is not there", find_nobody, {{SERVERS, "127.0.0.1:9"}}},
    {"no caRepeater", use, {{SERVERS, "HERE"}, {REPEATER, "FREE"}, {"PATH", "/nowhere"}}},
    {"an IOC that is killed", be_killed, {{LIST, "HERE"}}},
    {"a put that the IOC refuses", be_refused, {{SERVERS, "HERE"}}},
    {"a wrong number", be_wrong, {{"EPICS_CA_CONN_TMO", "soon"}}},
    {"no time to answer in", be_no_number, {{"EPICS_CA_CONN_TMO", "0"}}},
    {"more than a clock holds", be_no_number, {{"EPICS_CA_CONN_TMO", "inf"}}},
    {"a wrong port", be_wrong, {{PORT, "soon"}}},
    {"a port with a point", be_no_number, {{PORT, "5064.5"}}},
    {"a wrong port of the repeater", be_wrong, {{REPEATER, "soon"}}},
    {"a wrong size", be_wrong, {{"EPICS_CA_MAX_ARRAY_BYTES", "soon"}}},
    {"a size with an exponent", be_no_number, {{"EPICS_CA_MAX_ARRAY_BYTES", "1e7"}}},
    {"a forked child", fork_one, {{SERVERS, "HERE"}}},
    {"a program that frees nothing", leave, {{SERVERS, "HERE"}}},
};
enum { SCENES = sizeof scenes / sizeof scenes[0] };

/* Ours to free: all variables as one text. */
static char *environment(void)
{
    struct oph__buf buf = {0};
    for (char **at = environ; *at; at++)
        oph__buf_addf(&buf, "%s\n", *at);
    return buf.text;
}

static int play(const struct scene *scene)
{
    char *before = environment();
    ctx = mini_context(NULL);
    dev = mini_device(ctx, "dev");
    oph_context_log(ctx, on_line, NULL);
    int rc = scene->play();
    oph_device_free(dev);
    oph_context_free(ctx);
    char *after = environment();
    if (!rc && strcmp(before, after) != 0) rc = 100;
    if (!rc && scene->play == be_killed && !atomic_load(&lines)) rc = 101;
    free(before);
    free(after);
    return rc;
}

/* The stage */

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) ||
        getsockname(fd, (struct sockaddr *)&at, &size))
        testAbort("no port");
    close(fd);
    return ntohs(at.sin_port);
}

static void set_variables(const struct scene *scene, int ioc)
{
    static const char *const clear[] = {SERVERS, PORT, "EPICS_CA_CONN_TMO"};
    char port[16], here[32], other[16];
    snprintf(port, sizeof port, "%d", ioc);
    snprintf(here, sizeof here, "127.0.0.1:%d", ioc);
    snprintf(other, sizeof other, "%d", free_port());
    for (size_t i = 0; i < sizeof clear / sizeof clear[0]; i++)
        unsetenv(clear[i]);
    setenv(LIST, "", 1);
    setenv("EPICS_CA_AUTO_ADDR_LIST", "NO", 1);
    for (int i = 0; i < 3 && scene->set[i][0]; i++) {
        const char *value = scene->set[i][1];
        if (strcmp(value, "PORT") == 0) value = port;
        if (strcmp(value, "HERE") == 0) value = here;
        if (strcmp(value, "FREE") == 0) value = other;
        setenv(scene->set[i][0], value, 1);
    }
}

static pid_t start(int number, int out, int to_parent, int ioc)
{
    char self[1024] = "", text[16];
    if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0) testAbort("no path to this test");
    fflush(NULL);
    pid_t pid = fork();
    if (pid) return pid;
    set_variables(&scenes[number], ioc);
    dup2(to_parent, TO_PARENT);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    snprintf(text, sizeof text, "%d", number);
    execl(self, self, text, (char *)NULL);
    _exit(127);
}

/* Its exit code; -1 when it did not end by itself. Meanwhile a "k" asks to kill the IOC. */
static int await_end(pid_t pid, int in, struct sim *mini)
{
    struct pollfd fds[2] = {{.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN},
                            {.fd = in, .events = POLLIN}};
    double deadline = oph__now() + LIMIT;
    int status = -1;
    while (!(fds[0].revents & POLLIN) && oph__now() < deadline) {
        char letter;
        poll(fds, 2, 1000);
        if (fds[1].revents & POLLIN && read(in, &letter, 1) == 1) sim_kill(mini);
        if (fds[1].revents) fds[1].fd = -1;
    }
    if (!(fds[0].revents & POLLIN)) kill(pid, SIGKILL);
    close(fds[0].fd);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test(int number, struct sim *mini)
{
    const struct scene *scene = &scenes[number];
    char name[] = "/tmp/cophyd-silent-XXXXXX", text[2000];
    int out = mkostemp(name, O_CLOEXEC), pipe_fds[2];
    if (out < 0 || pipe2(pipe_fds, O_CLOEXEC)) testAbort("no file or pipe");
    unlink(name);
    pid_t pid = start(number, out, pipe_fds[1], sim_port(mini));
    close(pipe_fds[1]);
    int code = await_end(pid, pipe_fds[0], mini);
    close(pipe_fds[0]);
    ssize_t got = pread(out, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    close(out);
    testOk(code == 0 && got == 0, "%s", scene->name);
    if (code) testDiag("step %d", code);
    if (got) testDiag("printed: %s", text);
    if (scene->play == be_killed) sim_restart(mini);
}

int main(int argc, char **argv)
{
    int64_t number;
    if (argc > 1 && oph__to_int(argv[1], &number)) return play(&scenes[number]);
    testPlan(0);
    mini_hold_repeater_port();
    struct sim *mini = mini_start();
    for (int i = 0; i < SCENES; i++)
        test(i, mini);
    sim_stop(mini);
    return testDone();
}
