#ifndef BERTH_SHIM_OVERLAY_H
#define BERTH_SHIM_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The kernel takes one page of options, and paths of many layers are longer: makes lowerdir's relative to the directory
 * that they have in common, which must then be the working directory at the mount. False when they have none.
 */
bool overlay_shorten(char *data, size_t *length, char *directory, size_t size);

#endif
