/* The table's rows of puts that never complete. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("put");
}
