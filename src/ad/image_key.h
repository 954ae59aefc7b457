/* The key of the images that a file store writes. */
#ifndef AD_IMAGE_KEY_H
#define AD_IMAGE_KEY_H

#include "core/behaviour.h"

/* A file store's describe: "det_image", an external array of frames per trigger, height, width. */
int oph__image_key(oph_device *dev, void *data, struct oph__describing *to, oph_error *err);

#endif
