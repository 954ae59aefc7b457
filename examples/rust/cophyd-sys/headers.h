#include <cophyd/cophyd.h>
#include <cophyd/simulator.h>
