/* A context is freed soon where nobody answers: no IOC, a name server that is a black hole, an IOC
 * that stands still in the middle of a put. */
#include "lib/events.h"
#include "lib/mini.h"
#include "lib/process.h"

#include <arpa/inet.h>
#include <epicsUnitTest.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Closing waits two seconds for libca, and then leaves it alone: libca would take thirty. */
enum { SOON = 5, LIBCOM = 2, BACKLOG = 8 };

static const oph_context_options quick = {
    .size = sizeof quick, .connect_timeout = 0.3, .get_timeout = 0.3, .put_timeout = 0.3};

static void name_server(const char *address)
{
    setenv("EPICS_CA_NAME_SERVERS", address, 1);
    setenv("EPICS_CA_ADDR_LIST", "", 1);
    setenv("EPICS_CA_AUTO_ADDR_LIST", "NO", 1);
}

/* Frees what follows a PV, in the worst order, and says how long that took. */
static void free_soon(oph_context *ctx, oph_device *dev, oph_subscription *sub, const char *what)
{
    double start = oph__now();
    oph_context_free(ctx);
    oph_device_free(dev);
    oph_subscription_free(sub);
    double took = oph__now() - start;
    testOk(took < SOON, "freed in %.3f s: %s", took, what);
}

static void test_nobody(const char *address, const char *what)
{
    struct events said;
    double value;
    oph_error err = OPH_ERROR_INIT;
    events_init(&said);
    name_server(address);
    oph_context *ctx = mini_context(&quick);
    oph_device *dev = mini_device(ctx, "dev");
    oph_subscription *sub = events_follow(&said, dev, "ai", NULL);
    testOk(oph_connect(dev, OPH_DEFAULT, NULL, &err) == OPH_EDISCONN &&
               oph_get_double(dev, "longout", &value, &err) == OPH_EDISCONN,
           "%s", err.text);
    free_soon(ctx, dev, sub, what);
    events_free(&said);
}

/* Its connections are never taken: the first fill the line, and later ones get no answer at all. */
static void test_black_hole(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    char address[32];
    int fds[BACKLOG], fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 0) ||
        getsockname(fd, (struct sockaddr *)&at, &length))
        testAbort("no socket");
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    test_nobody(address, "a name server that takes the connection and says nothing");
    for (int i = 0; i < BACKLOG; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fds[i], (struct sockaddr *)&at, sizeof at);
    }
    test_nobody(address, "a name server that does not even take the connection");
    for (int i = 0; i < BACKLOG; i++)
        close(fds[i]);
    close(fd);
    test_nobody(address, "no name server any more");
}

/* A put with completion that the IOC has and will not answer, and one that it does not read. */
static oph_context *stick(struct sim *mini, oph_device **ret_dev, oph_subscription **ret_sub,
                          struct events *said)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context_options o = quick;
    o.connect_timeout = 20;
    oph_context *ctx = mini_context(&o);
    *ret_dev = mini_device(ctx, "dev");
    *ret_sub = events_follow(said, *ret_dev, "ticks", NULL);
    if (oph_connect(*ret_dev, OPH_DEFAULT, NULL, &err)) testAbort("%s", err.text);
    testOk(oph_put(*ret_dev, "slowest", 1, &err) == OPH_ETIMEOUT, "%s", err.text);
    sim_pause(mini);
    testOk(oph_put(*ret_dev, "ao", 1, &err) == OPH_ETIMEOUT, "%s", err.text);
    return ctx;
}

static void on_done(oph_status *st, void *user)
{
    (void)st;
    oph_context_free(user);
}

static void test_stopped(void)
{
    struct events said;
    oph_device *dev = NULL;
    oph_subscription *sub = NULL;
    oph_status *st = NULL;
    int threads = process_threads();
    events_init(&said);
    struct sim *mini = mini_start();
    oph_context *ctx = stick(mini, &dev, &sub, &said);
    free_soon(ctx, dev, sub, "an IOC that stands still");
    sim_resume(mini);
    testOk(process_calms(threads + LIBCOM), "what it left behind ends when the IOC goes on");

    ctx = stick(mini, &dev, &sub, &said);
    oph_device_free(dev);
    oph_subscription_free(sub);
    if (oph_status_new(ctx, "own", OPH_FOREVER, &st, NULL)) testAbort("no status");
    oph_status_on_done(st, on_done, ctx, NULL);
    double start = oph__now();
    oph_status_finish(st, NULL);
    oph_status_unref(st);
    testOk(oph__now() - start < SOON, "and in a callback it does not wait at all");
    sim_resume(mini);
    testOk(process_calms(threads + LIBCOM), "nor does anything stay then");
    sim_stop(mini);
    events_free(&said);
}

/* The program ends while libca is still at it. */

static struct sim *volatile childs; /* it dies with its parent */

static int child(void)
{
    struct events said;
    oph_device *dev = NULL;
    oph_subscription *sub = NULL;
    events_init(&said);
    childs = mini_start();
    oph_context *ctx = stick(childs, &dev, &sub, &said);
    oph_device_free(dev);
    oph_subscription_free(sub);
    oph_context_free(ctx);
    events_free(&said);
    return 0;
}

static void test_exit(void)
{
    char self[1024] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0) testAbort("no path to this test");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        execl(self, self, "child", (char *)NULL);
        _exit(127);
    }
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    int ended = poll(&end, 1, 60000), status = -1;
    close(end.fd);
    if (ended != 1) kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    testOk(ended == 1 && WIFEXITED(status) && WEXITSTATUS(status) == 0,
           "a program ends in peace beside an IOC that stands still: %x", (unsigned)status);
}

int main(int argc, char **argv)
{
    (void)argv;
    testPlan(0);
    mini_hold_repeater_port();
    if (argc > 1) return child();
    oph_context *unused = mini_context(NULL);
    free_soon(unused, NULL, NULL, "a context that was never used");
    test_black_hole();
    test_stopped();
    test_exit();
    return testDone();
}
