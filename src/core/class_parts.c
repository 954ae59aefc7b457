/* The arena, and the list of mistakes. */
#include "base/str.h"
#include "core/class_parts.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 8000 }; /* bytes that are taken from malloc at a time, or more for a large one */

struct oph__arena_block {
    struct oph__arena_block *next;
    size_t used, room;
    max_align_t data[];
};

void *oph__arena_get(struct oph__arena *arena, size_t size)
{
    struct oph__arena_block *block = arena->block;

    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!block || block->room - block->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;
        block = calloc(1, sizeof *block + room);
        if (!block) return NULL;
        block->room = room;
        block->next = arena->block;
        arena->block = block;
    }
    void *got = (char *)block->data + block->used;
    block->used += size;
    return got;
}

char *oph__arena_dup(struct oph__arena *arena, const char *text, size_t n)
{
    char *copy = oph__arena_get(arena, n + 1);

    if (copy && n) memcpy(copy, text, n);
    return copy;
}

void oph__arena_free(struct oph__arena *arena)
{
    while (arena->block) {
        struct oph__arena_block *next = arena->block->next;
        free(arena->block);
        arena->block = next;
    }
}

enum { MAX_LISTED = 100 };

void oph__mistake(struct oph__mistakes *m, struct oph__place at, const char *format, ...)
{
    char sentence[sizeof m->first.text];
    oph_error err;
    va_list args;

    if (m->count++ >= MAX_LISTED) return;
    va_start(args, format);
    oph__vcut(sentence, sizeof sentence, format, args);
    va_end(args);
    if (at.origin)
        oph__fail_text(&err, OPH_EPARSE, "%s:%d: %s", at.origin, at.line, sentence);
    else
        oph__fail_text(&err, OPH_EPARSE, "%s", sentence);
    if (m->count == 1) m->first = err;
    oph__report_add(m->report, &err);
}

void oph__mistakes_end(struct oph__mistakes *m, const char *origin)
{
    oph_error err;

    if (m->count <= MAX_LISTED) return;
    oph__fail_text(&err, OPH_EPARSE, "%s: %zu more mistakes", origin, m->count - MAX_LISTED);
    oph__report_add(m->report, &err);
}
