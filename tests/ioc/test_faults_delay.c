/* The table's rows of slow answers. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("delay");
}
