/* The file system as the simulated IOC sees it, and file names made from a template. */
#ifndef SIM_PATH_H
#define SIM_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { SIM_PATH_SIZE = 512 };

/* What is seen under seen is really under real. -1: not both absolute, or too many or too long. */
int sim_path_add_root(const char *seen, const char *real);

/* Where a path that the IOC sees really is. -1: too long. */
int sim_path_real(const char *seen, char *ret, size_t size);

void sim_path_end_with_slash(char *path, size_t size); /* cut when there is no room */
bool sim_path_is_folder(const char *seen);

/* CreateDirectory: depth < 0 makes at most that many levels; depth > 0 makes levels after the
 * first depth, which must be there; 0 makes none. */
void sim_path_create(const char *seen, int depth);

/* path, name and number through a template such as "%s%s_%3.3d.h5". -1: a conversion that does
 * not fit these three, or too long. */
int sim_path_format(const char *format, const char *path, const char *name, int number, char *ret,
                    size_t size);

#endif
