#ifndef BERTH_SHIM_MOUNT_OPTIONS_H
#define BERTH_SHIM_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

/* More than the kernel takes in one page, because overlay's can be made shorter. */
enum { MOUNT_DATA_SIZE = 64 * 1024 };

/* The options of a mount, as fstab has them, taken apart. */
struct mount_options {
  unsigned long flags; /* MS_… */
  unsigned long propagation;
  bool loop, direct_io;
  const char *uidmap, *gidmap; /* NULL: not mapped */
  size_t length;
  char data[MOUNT_DATA_SIZE]; /* what is the file system's own, joined by commas */
};

/* False for what is too long, and for containerd's internal X-containerd.… that nobody has consumed. */
bool mount_options_read(struct mount_options *options, char *const *list, size_t count, struct failure *failure);

#endif
