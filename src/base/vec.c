#include "base/vec.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

bool oph__vec_add(struct oph__vec *vec, void *item)
{
    return oph__vec_insert(vec, vec->count, item);
}

bool oph__vec_insert(struct oph__vec *vec, size_t index, void *item)
{
    if (vec->count == vec->room) {
        size_t room = vec->room ? 2 * vec->room : 8;
        void **at = realloc(vec->at, room * sizeof *at);
        if (!at) return false;
        vec->at = at;
        vec->room = room;
    }
    memmove(vec->at + index + 1, vec->at + index, (vec->count - index) * sizeof *vec->at);
    vec->at[index] = item;
    vec->count++;
    return true;
}

void *oph__vec_remove(struct oph__vec *vec, size_t index)
{
    void *item = vec->at[index];

    vec->count--;
    memmove(vec->at + index, vec->at + index + 1, (vec->count - index) * sizeof *vec->at);
    return item;
}

bool oph__vec_drop(struct oph__vec *vec, const void *item)
{
    for (size_t i = 0; i < vec->count; i++) {
        if (vec->at[i] == item) {
            oph__vec_remove(vec, i);
            return true;
        }
    }
    return false;
}

void oph__vec_free(struct oph__vec *vec)
{
    free(vec->at);
    *vec = (struct oph__vec){0};
}

/* Open addressing, a power of two of slots, at most three quarters of them used. */
struct oph__map_slot {
    char *key;
    void *value;
    size_t hash;
};

static size_t hash_of(const char *key)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

/* The key's slot, or the empty one where it belongs. The map has slots. */
static struct oph__map_slot *slot_of(const struct oph__map *map, const char *key, size_t hash)
{
    size_t mask = map->room - 1;

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct oph__map_slot *slot = &map->slots[i];
        if (!slot->key || (slot->hash == hash && strcmp(slot->key, key) == 0)) return slot;
    }
}

static bool grow(struct oph__map *map)
{
    struct oph__map larger = {.room = map->room ? 2 * map->room : 16, .count = map->count};

    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < map->room; i++) {
        const struct oph__map_slot *old = &map->slots[i];
        if (old->key) *slot_of(&larger, old->key, old->hash) = *old;
    }
    free(map->slots);
    *map = larger;
    return true;
}

void *oph__map_get(const struct oph__map *map, const char *key)
{
    return map->count ? slot_of(map, key, hash_of(key))->value : NULL;
}

bool oph__map_set(struct oph__map *map, const char *key, void *value)
{
    size_t hash = hash_of(key);
    struct oph__map_slot *slot = map->room ? slot_of(map, key, hash) : NULL;

    if (!slot || !slot->key) {
        if (4 * (map->count + 1) > 3 * map->room && !grow(map)) return false;
        slot = slot_of(map, key, hash);
        slot->key = oph__dup(key);
        if (!slot->key) return false;
        slot->hash = hash;
        map->count++;
    }
    slot->value = value;
    return true;
}

void oph__map_free(struct oph__map *map)
{
    for (size_t i = 0; i < map->room; i++)
        free(map->slots[i].key);
    free(map->slots);
    *map = (struct oph__map){0};
}
