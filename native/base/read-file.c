#include "read-file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

ssize_t read_file(const char *path, char *text, size_t size) {
  text[0] = '\0';
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return -errno;
  ssize_t length = read(fd, text, size - 1);
  if (length < 0) length = -errno;
  else text[length] = '\0';
  close(fd);
  return length;
}
