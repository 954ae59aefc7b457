/* The least that prints a value by hand: caget PV. */
#include <cadef.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    chid channel = NULL;
    dbr_double_t value = 0;

    if (argc != 2) return 2;
    if (ca_context_create(ca_disable_preemptive_callback) != ECA_NORMAL ||
        ca_create_channel(argv[1], NULL, NULL, CA_PRIORITY_DEFAULT, &channel) != ECA_NORMAL ||
        ca_pend_io(5) != ECA_NORMAL || ca_get(DBR_DOUBLE, channel, &value) != ECA_NORMAL ||
        ca_pend_io(5) != ECA_NORMAL)
        return 1;
    printf("%s %g\n", argv[1], value);
    fflush(stdout);
    ca_context_destroy();
    return 0;
}
