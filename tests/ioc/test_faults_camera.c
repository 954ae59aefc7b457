/* The table's rows of the camera, and whoever else uses it. */
#include "lib/fault_table.h"

int main(void)
{
    return fault_table_run("camera");
}
