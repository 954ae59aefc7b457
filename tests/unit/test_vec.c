/* base/vec: the array of pointers and the map. */
#include "base/vec.h"

#include <epicsUnitTest.h>
#include <stdint.h>
#include <stdio.h>

static void test_vec(void)
{
    struct oph__vec vec = {0};
    char items[100];

    for (size_t i = 0; i < 100; i++)
        oph__vec_add(&vec, &items[i]);
    testOk1(vec.count == 100 && vec.at[0] == &items[0] && vec.at[99] == &items[99]);
    testOk1(oph__vec_remove(&vec, 10) == &items[10] && vec.at[10] == &items[11] && vec.count == 99);
    testOk1(oph__vec_insert(&vec, 10, &items[10]) && vec.at[10] == &items[10] &&
            vec.at[11] == &items[11] && vec.at[99] == &items[99]);
    testOk1(oph__vec_insert(&vec, 0, NULL) && !vec.at[0] && vec.at[1] == &items[0]);
    testOk1(oph__vec_drop(&vec, &items[50]) && !oph__vec_drop(&vec, &items[50]));
    testOk1(oph__vec_drop(&vec, &items[99]) && vec.count == 99);
    oph__vec_free(&vec);
    testOk1(!vec.at && vec.count == 0);
}

static void test_map(void)
{
    enum { KEYS = 5000 };
    struct oph__map map = {0};
    static int values[KEYS];
    char key[32];
    size_t right = 0;

    testOk(!oph__map_get(&map, "a"), "nothing in an empty map");
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "Pilatus:cam1:Row%zu", i);
        right += oph__map_set(&map, key, &values[i]);
    }
    testOk1(right == KEYS && map.count == KEYS);
    right = 0;
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "Pilatus:cam1:Row%zu", i);
        right += oph__map_get(&map, key) == &values[i];
    }
    testOk(right == KEYS, "each of %d keys has its value", KEYS);
    testOk1(!oph__map_get(&map, "Pilatus:cam1:Row5000") && !oph__map_get(&map, ""));
    testOk1(oph__map_set(&map, "Pilatus:cam1:Row7", &values[0]) && map.count == KEYS &&
            oph__map_get(&map, "Pilatus:cam1:Row7") == &values[0]);
    oph__map_free(&map);
    testOk1(!oph__map_get(&map, "Pilatus:cam1:Row7"));
}

int main(void)
{
    testPlan(0);
    test_vec();
    test_map();
    return testDone();
}
