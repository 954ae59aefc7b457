/* The sink of JSON lines, inside. */
#ifndef DOC_LINES_H
#define DOC_LINES_H

#include <cophyd/documents.h>

/* Makes a file, which must not be there yet. OPH_EFILE. */
int oph__document_lines_create(const char *path, oph_document_lines **ret, oph_error *err);

/* Seconds for whoever reads a pipe or a socket to take something: 10 at first. */
void oph__document_lines_patience(oph_document_lines *lines, double seconds);

#endif
