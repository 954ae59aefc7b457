/* What NDArrays are made of. */
#ifndef AD_IMAGE_H
#define AD_IMAGE_H

#include <cophyd/dtype.h>

enum { OPH__IMAGE_AXES = 3 }; /* as many as are read: width, height, depth */

/* The type that a label of DataType_RBV names ("Int32"); OPH_NONE for any other text. */
int32_t oph__ndarray_dtype(const char *label);

#endif
