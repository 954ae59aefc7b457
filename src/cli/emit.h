/* The C program that does what a command line says. */
#ifndef CLI_EMIT_H
#define CLI_EMIT_H

#include "cli/cli.h"
#include <cophyd/documents.h>

int emit_count(struct cli *cli, int64_t points, const oph_count_options *options);

#endif
