/* cophyd: EPICS areaDetector devices for C. This header includes all the others. */
#ifndef COPHYD_COPHYD_H
#define COPHYD_COPHYD_H

#include <cophyd/acquire.h>
#include <cophyd/api.h>
#include <cophyd/class.h>
#include <cophyd/context.h>
#include <cophyd/detector.h>
#include <cophyd/device.h>
#include <cophyd/dtype.h>
#include <cophyd/error.h>
#include <cophyd/files.h>
#include <cophyd/frames.h>
#include <cophyd/graph.h>
#include <cophyd/group.h>
#include <cophyd/motor.h>
#include <cophyd/plan.h>
#include <cophyd/reading.h>
#include <cophyd/recover.h>
#include <cophyd/settings.h>
#include <cophyd/signal.h>
#include <cophyd/soft.h>
#include <cophyd/stage.h>
#include <cophyd/status.h>
#include <cophyd/subscription.h>
#include <cophyd/value.h>
#include <cophyd/version.h>

#endif
