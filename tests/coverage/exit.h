/* Before all of a build for coverage: a process that ends by _exit says what it has reached, too.
 */
#include <unistd.h>

void __gcov_dump(void);
#define _exit(code) (__gcov_dump(), _exit(code))
