/* The detector by hand-written libca, for a program that says when: reads "stage", "trigger" and
 * "unstage", and answers each with a line when it is done. */
#include "bench/side.h"
#include "bench/libca.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    char line[16];
    void *detector = trigger_set_up();

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        if (!strcmp(line, "stage\n"))
            trigger_stage(detector);
        else if (!strcmp(line, "trigger\n"))
            trigger_acquire(detector, 1);
        else if (!strcmp(line, "unstage\n"))
            trigger_unstage(detector);
        else
            side_need(0, "wanted stage, trigger or unstage");
        puts("done");
    }
    return 0;
}
