/* A growing array of pointers, and a map from names to pointers. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

struct oph__vec {
    void **at;
    size_t count;
    size_t room;
};
bool oph__vec_add(struct oph__vec *vec, void *item); /* false: no memory, vec unchanged */
bool oph__vec_insert(struct oph__vec *vec, size_t index, void *item);
void *oph__vec_remove(struct oph__vec *vec, size_t index);
bool oph__vec_drop(struct oph__vec *vec, const void *item); /* false: not there */
void oph__vec_free(struct oph__vec *vec);                   /* not the items */

/* Keys are copied, and stay when their value becomes NULL. */
struct oph__map_slot;
struct oph__map {
    struct oph__map_slot *slots;
    size_t room;
    size_t count;
};
void *oph__map_get(const struct oph__map *map, const char *key); /* NULL: not there */
/* False: no memory, the map unchanged; never for a key that is there. */
bool oph__map_set(struct oph__map *map, const char *key, void *value);
void oph__map_free(struct oph__map *map);

#endif
