#include "base/alive.h"

#include "base/err.h"

#include <sys/mman.h>

enum { PAGE = 4096 };

int oph__alive_init(struct oph__alive *alive, oph_error *err)
{
    unsigned char *page =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) return oph__fail_memory(err, "a page that a fork wipes");
    if (madvise(page, PAGE, MADV_WIPEONFORK)) {
        munmap(page, PAGE);
        return oph__fail_text(err, OPH_ESYSTEM, "the system has no memory that a fork wipes");
    }
    *page = 1;
    alive->page = page;
    return 0;
}

void oph__alive_end(struct oph__alive *alive)
{
    if (alive->page) munmap((void *)(uintptr_t)alive->page, PAGE);
    alive->page = NULL;
}
