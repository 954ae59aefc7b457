/* The sink of JSON lines, inside. */
#ifndef DOC_LINES_H
#define DOC_LINES_H

#include <cophyd/documents.h>

/* Seconds for whoever reads a pipe or a socket to take something: 10 at first. */
void oph__document_lines_patience(oph_document_lines *lines, double seconds);

#endif
