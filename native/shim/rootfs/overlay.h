#ifndef BERTH_SHIM_OVERLAY_H
#define BERTH_SHIM_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The kernel takes one page of options, and paths of many layers are longer: makes lowerdir's relative to the directory
 * that they have in common, which must then be the working directory at the mount. False when they have none.
 */
bool overlay_shorten(char *data, size_t *length, char *directory, size_t size);

/* The directory that all lower ones have in common, with a slash at its end. False when there is none. */
bool overlay_common(char *data, char *directory, size_t size);

/* The same layers seen through another directory instead of that one. False when it does not fit into `room`. */
bool overlay_move(char *data, size_t *length, size_t room, const char *to);

#endif
