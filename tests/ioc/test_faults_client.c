/* The table's rows of another client. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("client");
}
