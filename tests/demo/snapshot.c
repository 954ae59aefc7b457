/* Prints everything that can be written in cam1:, image1: and HDF1: as "NAME VALUE". */
#include "lib/setpoints.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: snapshot PREFIX\n");
        return 2;
    }
    struct probe *probe = probe_new(argv[1]);
    struct setpoints *setpoints = setpoints_read(probe, argv[1]);
    if (setpoints) setpoints_print(setpoints, stdout);
    setpoints_free(setpoints);
    probe_free(probe);
    return !setpoints;
}
