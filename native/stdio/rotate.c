#include "rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

enum { NAME = PATH_MAX + 16 };

static int name_of(char *name, const char *path, unsigned number) {
  int length = number == 0 ? snprintf(name, NAME, "%s", path) : snprintf(name, NAME, "%s.%u", path, number);
  return length < 0 || length >= NAME ? -ENAMETOOLONG : 0;
}

static int move(const char *path, unsigned from, unsigned to) {
  char old[NAME], new[NAME];
  int error = name_of(old, path, from);
  if (error == 0) error = name_of(new, path, to);
  if (error != 0) return error;
  return rename(old, new) < 0 ? -errno : 0;
}

int rotate_files(const char *path, unsigned files) {
  const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  if (files < 2) {
    int fd = open(path, flags | O_TRUNC, 0640);
    return fd < 0 ? -errno : fd;
  }
  for (unsigned number = files - 1; number > 0; number--) {
    int error = move(path, number - 1, number);
    if (error != 0 && error != -ENOENT) return error;
  }
  int fd = open(path, flags | O_EXCL, 0640);
  if (fd >= 0) return fd;
  int error = -errno;
  (void)move(path, 1, 0);
  return error;
}
