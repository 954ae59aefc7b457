/* What the library says, and leaves behind, when something goes wrong: each fault of the simulator
 * in each phase of an acquisition, as tests/data/fault_table.txt lists them. */
#ifndef TEST_FAULT_TABLE_H
#define TEST_FAULT_TABLE_H

/* The rows of one part of the table, as a whole test program: what main returns. */
int fault_table_run(const char *part);

#endif
