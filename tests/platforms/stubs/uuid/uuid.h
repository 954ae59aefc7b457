/* What is used of libuuid: see ../../stubs.c. */
#ifndef PLATFORMS_UUID_H
#define PLATFORMS_UUID_H

typedef unsigned char uuid_t[16];
void uuid_generate_random(uuid_t out);
void uuid_unparse_lower(const uuid_t id, char *text);

#endif
