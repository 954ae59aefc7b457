/* Words that every public header uses. */
#ifndef COPHYD_API_H
#define COPHYD_API_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPH_API __attribute__((visibility("default")))

#ifdef __cplusplus
#define OPH_BEGIN_DECLS extern "C" {
#define OPH_END_DECLS }
#else
#define OPH_BEGIN_DECLS
#define OPH_END_DECLS
#endif

/* Timeouts are seconds. OPH_DEFAULT takes the context's default for that operation; zero or less
 * has already expired. */
#define OPH_DEFAULT ((double)NAN)
#define OPH_FOREVER ((double)INFINITY)

#endif
