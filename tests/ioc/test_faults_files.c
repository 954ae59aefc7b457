/* The table's rows of file plugins. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("files");
}
