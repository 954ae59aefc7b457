/* The table's rows of values that cannot be, records that cannot be written. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("value");
}
