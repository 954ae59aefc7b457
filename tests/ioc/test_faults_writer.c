/* The table's rows of a writer that stands still. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("writer");
}
