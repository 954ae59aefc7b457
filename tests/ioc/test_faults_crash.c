/* The table's rows of the IOC itself. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("crash");
}
