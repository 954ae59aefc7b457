/* Device classes as text. The grammar is in examples/README.md. */
#ifndef COPHYD_CLASS_H
#define COPHYD_CLASS_H

#include <cophyd/context.h>

OPH_BEGIN_DECLS

/* Adds the classes of a text to the context. It is checked whole: on any mistake nothing is added
 * (OPH_EPARSE), each mistake is in the report as "ORIGIN:LINE: ...", and the first one is in err.
 * `origin` is the text's name in such messages, as "pilatus.c". ret_report may be NULL; else the
 * report is yours, also on failure. Needs no network. */
OPH_API int oph_class_parse(oph_context *ctx, const char *text, const char *origin,
                            oph_report **ret_report, oph_error *err);

/* The same for a file, whose name is the origin. OPH_EFILE, without a report, when it cannot be
 * read. */
OPH_API int oph_class_load(oph_context *ctx, const char *file, oph_report **ret_report,
                           oph_error *err);

OPH_END_DECLS

#endif
