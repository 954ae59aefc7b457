#include "lib/silence.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void silence_begin(struct silence *silence)
{
    char name[] = "/tmp/cophyd-silence-XXXXXX";
    silence->file = mkostemp(name, O_CLOEXEC);
    silence->was = dup(STDERR_FILENO);
    if (silence->file < 0 || silence->was < 0) testAbort("no file for what is printed");
    unlink(name);
    dup2(silence->file, STDERR_FILENO);
}

void silence_end(struct silence *silence)
{
    char text[1000] = "";
    ssize_t n = pread(silence->file, text, sizeof text - 1, 0);
    dup2(silence->was, STDERR_FILENO);
    testOk(n == 0, "nothing was printed");
    if (n) testDiag("%s", text);
    close(silence->file);
    close(silence->was);
}
