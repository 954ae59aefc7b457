#include "sim/path.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { ROOTS = 8 };

static struct {
    char seen[256], real[256];
} roots[ROOTS];
static int root_count;

/* A root never ends with a slash, so that it matches whole components. */
static int copy_root(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    while (length > 1 && from[length - 1] == '/')
        length--;
    if (from[0] != '/' || length >= size) return -1;
    memcpy(to, from, length);
    to[length] = '\0';
    return 0;
}

int sim_path_add_root(const char *seen, const char *real)
{
    if (root_count == ROOTS) return -1;
    if (copy_root(roots[root_count].seen, sizeof roots[0].seen, seen) != 0) return -1;
    if (copy_root(roots[root_count].real, sizeof roots[0].real, real) != 0) return -1;
    root_count++;
    return 0;
}

int sim_path_real(const char *seen, char *ret, size_t size)
{
    int written = -1;
    for (int i = 0; i < root_count && written < 0; i++) {
        size_t length = strlen(roots[i].seen);
        const char *rest = seen + length;
        if (strncmp(seen, roots[i].seen, length) != 0 || (*rest && *rest != '/')) continue;
        written = snprintf(ret, size, "%s%s", roots[i].real, rest);
    }
    if (written < 0) written = snprintf(ret, size, "%s", seen);
    return (size_t)written < size ? 0 : -1;
}

void sim_path_end_with_slash(char *path, size_t size)
{
    size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/') return;
    if (length + 1 >= size) length = size - 2;
    path[length] = '/';
    path[length + 1] = '\0';
}

bool sim_path_is_folder(const char *seen)
{
    char real[SIM_PATH_SIZE];
    struct stat st;
    return sim_path_real(seen, real, sizeof real) == 0 && stat(real, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

/* The length of seen's first levels components. */
static size_t prefix(const char *seen, int levels)
{
    size_t i = 0;
    while (levels-- > 0 && seen[i]) {
        while (seen[i] == '/')
            i++;
        while (seen[i] && seen[i] != '/')
            i++;
    }
    return i;
}

static int count_levels(const char *seen)
{
    int levels = 0;
    for (size_t i = 0; seen[i]; i++)
        if (seen[i] != '/' && (i == 0 || seen[i - 1] == '/')) levels++;
    return levels;
}

/* Whether a root hangs somewhere under this folder, which then is there for the IOC. */
static bool above_a_root(const char *seen)
{
    size_t length = strlen(seen);
    for (int i = 0; i < root_count; i++)
        if (strncmp(roots[i].seen, seen, length) == 0 && roots[i].seen[length] == '/') return true;
    return false;
}

void sim_path_create(const char *seen, int depth)
{
    char part[SIM_PATH_SIZE], real[SIM_PATH_SIZE];
    int levels = count_levels(seen);
    int first = depth < 0 ? levels + depth + 1 : depth + 1;
    if (depth == 0 || strlen(seen) >= sizeof part) return;
    if (first < 1) first = 1;
    for (int level = first; level <= levels; level++) {
        size_t length = prefix(seen, level);
        memcpy(part, seen, length);
        part[length] = '\0';
        if (above_a_root(part)) continue;
        if (sim_path_real(part, real, sizeof real) != 0) return;
        mkdir(real, 0777); /* whether that worked shows in FilePathExists */
    }
}

/* Copies one conversion such as "%-4.4d" without its letter; returns the letter or 0. */
static char conversion(const char **format, char *ret, size_t size)
{
    size_t used = 0;
    ret[used++] = *(*format)++;
    while (**format && strchr("0123456789.-+ ", **format)) {
        if (used + 2 >= size) return 0;
        ret[used++] = *(*format)++;
    }
    char letter = **format;
    if (letter) (*format)++;
    ret[used++] = letter;
    ret[used] = '\0';
    return letter;
}

int sim_path_format(const char *format, const char *path, const char *name, int number, char *ret,
                    size_t size)
{
    const char *texts[] = {path, name};
    int text = 0, numbers = 0;
    size_t used = 0;
    while (*format) {
        char one[16];
        int wrote = 1;
        if (used + 1 >= size) return -1;
        if (*format != '%') {
            ret[used] = *format++;
        } else if (format[1] == '%') {
            ret[used] = '%';
            format += 2;
        } else {
            char letter = conversion(&format, one, sizeof one);
/* The conversion was checked character by character. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            if (letter == 's' && text < 2)
                wrote = snprintf(ret + used, size - used, one, texts[text++]);
            else if ((letter == 'd' || letter == 'i') && numbers++ == 0)
                wrote = snprintf(ret + used, size - used, one, number);
            else
                return -1;
#pragma GCC diagnostic pop
        }
        if (wrote < 0 || (size_t)wrote >= size - used) return -1;
        used += (size_t)wrote;
    }
    ret[used] = '\0';
    return 0;
}
