#include "fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int fifo_open(const char *path, int mode) {
  int fd = open(path, mode | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -errno;
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode)) return fd;
  close(fd);
  return -EINVAL;
}

int output_open(struct output *output, const char *path) {
  *output = (struct output){ .fd = -1 };
  if (path == NULL) return 0;
  int fd = fifo_open(path, O_RDONLY);
  if (fd < 0) return fd;
  output->fd = fd;
  return 0;
}

void output_close(struct output *output) {
  if (output->fd >= 0) close(output->fd);
  output->fd = -1;
}

size_t output_read(struct output *output, unsigned char *bytes, size_t size, bool hung_up) {
  ssize_t count = read(output->fd, bytes, size);
  if (count > 0) {
    output->writer_came = true;
    return (size_t)count;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    output->writer_came = output->writer_came || errno == EAGAIN;
    return 0;
  }
  if (count < 0 || hung_up || output->writer_came) output_close(output);
  return 0;
}
