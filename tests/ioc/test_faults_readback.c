/* The table's rows of readbacks that do not follow, or late. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("readback");
}
