/* base/log: off by default, one call a line, one call at a time. */
#include "base/log.h"
#include "base/str.h"

#include <epicsUnitTest.h>
#include <string.h>

struct heard {
    atomic_int inside;
    int overlaps, lines;
    int32_t level;
    char line[1100], before[1100];
};

static void hear(void *user, int32_t level, const char *line)
{
    struct heard *heard = user;

    heard->overlaps += atomic_fetch_add(&heard->inside, 1) != 0;
    heard->lines++;
    heard->level = level;
    memcpy(heard->before, heard->line, sizeof heard->line);
    oph__copy(heard->line, sizeof heard->line, line);
    atomic_fetch_sub(&heard->inside, 1);
}

static void *write_many(void *log)
{
    for (int i = 0; i < 5000; i++)
        oph__log(log, OPH_LOG_DEBUG, "line %d", i);
    return NULL;
}

int main(void)
{
    struct oph__log log;
    struct heard heard = {0};
    char longest[3000];
    pthread_t threads[4];

    testPlan(0);
    testOk1(oph__log_init(&log) == 0);
    oph__log(&log, OPH_LOG_ERROR, "nobody hears %d", 1);
    oph__log_set(&log, hear, &heard);
    testOk1(heard.lines == 0);
    oph__log(&log, OPH_LOG_WARNING, "CA said %s\n\nand\tmore\n", "this");
    testOk1(heard.lines == 2 && heard.level == OPH_LOG_WARNING);
    testOk1(strcmp(heard.before, "CA said this") == 0 && strcmp(heard.line, "and more") == 0);
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    oph__log(&log, OPH_LOG_INFO, "%s", longest);
    testOk1(oph__ends(heard.line, "x[cut]"));

    heard.lines = 0;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_many, &log);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    testOk(heard.lines == 20000 && heard.overlaps == 0, "4 threads: %d lines, %d at once",
           heard.lines, heard.overlaps);

    oph__log_set(&log, NULL, NULL);
    oph__log(&log, OPH_LOG_ERROR, "off again");
    testOk1(heard.lines == 20000);
    oph__log_destroy(&log);
    return testDone();
}
