/* Values as JSON. */
#ifndef DOC_JSON_H
#define DOC_JSON_H

#include <cophyd/value.h>
#include <jansson.h>

/* NULL when memory is short; the caller's. */
json_t *oph__json_text(const char *bytes, size_t count); /* what is no UTF-8 is taken for Latin-1 */
json_t *oph__json_string(const char *text);              /* the same */
json_t *oph__json_number(double number);                 /* what is not finite is null */

/* Appends item, which it takes over, and returns list; NULL when memory is short, or was for either
 * of them. */
json_t *oph__json_add(json_t *list, json_t *item);

/* The same of an object and a member: json_pack's optional members ("s:o*") are left out when
 * memory was short for them. */
json_t *oph__json_with(json_t *object, const char *name, json_t *value);

/* A value as what it was described to be: dtype is event-model's "integer", "number", "string", or
 * "array", which is nested as the value's shape is. OPH_ERANGE for an integer that JSON's readers
 * cannot be trusted with; `path` names its signal then. */
int oph__json_value(const oph_value *value, const char *dtype, const char *path, json_t **ret,
                    oph_error *err);

#endif
