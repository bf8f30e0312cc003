#include "write-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    bytes += count;
    length -= (size_t)count;
  }
  return 0;
}

int write_file(const char *path, const void *bytes, size_t length, mode_t mode) {
  char beside[PATH_MAX];
  int size = snprintf(beside, sizeof beside, "%s.new", path);
  if (size < 0 || (size_t)size >= sizeof beside) return -ENAMETOOLONG;
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return -errno;
  int error = write_all(fd, bytes, length);
  if (close(fd) < 0 && error == 0) error = -errno;
  if (error == 0 && rename(beside, path) < 0) error = -errno;
  if (error < 0) (void)unlink(beside);
  return error;
}
