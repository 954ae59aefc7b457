/* The table's rows of another plugin that stands still. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("plugin");
}
