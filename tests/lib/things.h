/* One device over the link in memory, for tests of what a program does with signals. */
#ifndef TESTS_THINGS_H
#define TESTS_THINGS_H

#include "core/device.h"
#include "lib/fake_link.h"

/* Starts the fake IOC with a PV of each sort, and makes a device of them:
 *   number     int32 rbv            7       real       float64 rbv        0.5, PREC 3
 *   choice     enum rbv             One of Zero,One,Two
 *   text       40 characters rbv    "hello" path       256 chars rbv      "/a/"
 *   chars      256 chars            "a text"
 *   array      float64[4]           0,0,0,0 bytes      uint8[16] as numbers
 *   words      text[3]              "x"     go         start row, enum    0
 *   constant   ro int32             3       locked     int32, no access   8
 *   away     int32, down           gone      not there at all
 */
oph_device *things_begin(void);
oph_context *things_context(void);
void things_end(void); /* testOk that nothing is left */
oph_signal *thing(const char *attr);

#endif
