/* A test program outside the tree: test_install.sh builds it as C and as C++. */
#include <cophyd/simulator.h>

int main(void)
{
    oph_simulator *sim = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_simulator_start(NULL, &sim, &err) == OPH_OK) oph_simulator_stop(sim, &err);
    if (err.code != OPH_OK) fprintf(stderr, "%s\n", err.text);
    return err.code != OPH_OK;
}
