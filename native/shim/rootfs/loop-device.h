#ifndef BERTH_SHIM_LOOP_DEVICE_H
#define BERTH_SHIM_LOOP_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A loop device over a file, which the kernel frees when its last user, the returned descriptor or a mount, goes. Or
 * -errno. `path` becomes its name.
 */
int loop_device_open(const char *file, bool read_only, bool direct_io, char *path, size_t size);

#endif
