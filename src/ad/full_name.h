/* FileTemplate: the printf format of which areaDetector makes a file's full name. */
#ifndef AD_FULL_NAME_H
#define AD_FULL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Expands it for folder, name and number, in the order in which areaDetector gives them to its
 * printf. Only what that does safely is understood: %s for the folder, %s for the name, then one %d
 * or %i with flags, width and precision; %% anywhere. False, and dst is "", for anything else and
 * where dst[size] is too small. */
bool oph__full_name(const char *format, const char *folder, const char *name, int64_t number,
                    char *dst, size_t size);

/* Whether it is understood and has a place for the number: else all files have one name. */
bool oph__full_name_counts(const char *format);

#endif
