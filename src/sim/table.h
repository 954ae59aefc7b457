/* Reads the embedded CSV tables: rows of cells, a heading first, cells in double quotes where they
 * hold a comma. */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

enum { SIM_CELLS = 16, SIM_CELL_SIZE = 128 };

struct sim_row {
    int count;
    char cell[SIM_CELLS][SIM_CELL_SIZE];
};

/* The text behind the heading. */
const char *sim_table_rows(const char *text);

/* Reads one row and returns the text behind it, or NULL when there is none. */
const char *sim_table_next(const char *text, struct sim_row *ret);

/* How the templates include each other: calls found for template's bases, deepest first, then for
 * template itself, each once. */
void sim_template_walk(const char *name, void (*found)(const char *name, void *user), void *user);

#endif
