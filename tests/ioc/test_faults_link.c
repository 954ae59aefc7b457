/* The table's rows of a connection that is lost. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("link");
}
