#include "loop-device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TRIES = 100 };

static int configure(int device, int backing, const char *file, bool read_only, bool direct_io) {
  struct loop_config config = { .fd = (unsigned)backing };
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0) | (direct_io ? LO_FLAGS_DIRECT_IO : 0);
  (void)snprintf((char *)config.info.lo_file_name, sizeof config.info.lo_file_name, "%s", file);
  return ioctl(device, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

/* One that is free now may be somebody else's a moment later: EBUSY. */
static int take_free(int control, int backing, const char *file, bool read_only, bool direct_io, char *path, size_t size) {
  int number = ioctl(control, LOOP_CTL_GET_FREE);
  if (number < 0) return -errno;
  (void)snprintf(path, size, "/dev/loop%d", number);
  int device = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (device < 0) return errno == ENXIO || errno == ENOENT ? -EBUSY : -errno;
  int error = configure(device, backing, file, read_only, direct_io);
  if (error == 0) return device;
  close(device);
  return error;
}

int loop_device_open(const char *file, bool read_only, bool direct_io, char *path, size_t size) {
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -errno;
  int backing = open(file, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  int device = backing < 0 ? -errno : -EBUSY;
  for (int i = 0; i < TRIES && device == -EBUSY; i++)
    device = take_free(control, backing, file, read_only, direct_io, path, size);
  if (backing >= 0) close(backing);
  close(control);
  return device;
}
