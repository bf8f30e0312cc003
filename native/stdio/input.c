#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fifo.h"

/* How often to look whether a closing FIFO has been emptied, and how long a reader may take to open it, in ms. */
enum { TICK_MIN = 2, TICK_MAX = 100, READER_GRACE = 10000 };

int input_open(struct input *input, const char *path) {
  input->fd = -1;
  if (path == NULL) return 0;
  int fd = fifo_open(path, O_RDWR);
  if (fd < 0) return fd;
  input->fd = fd;
  return 0;
}

bool input_accepts(const struct input *input) { return input->fd >= 0 && !input->closing; }

bool input_is_full(const struct input *input) { return input->end > 0; }

int input_take(struct input *input, int client) {
  ssize_t count = recv(client, input->buffer, sizeof input->buffer, MSG_DONTWAIT);
  if (count < 0) return -errno;
  if (input_accepts(input)) {
    input->start = 0;
    input->end = (size_t)count;
    input_flush(input);
  }
  return (int)count;
}

void input_flush(struct input *input) {
  while (input->start < input->end) {
    ssize_t count = write(input->fd, input->buffer + input->start, input->end - input->start);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) break;
    input->start += (size_t)count;
  }
  input->start = input->end = 0;
}

void input_close(struct input *input) { input->closing = true; }

void input_drop(struct input *input) {
  if (input->fd >= 0) close(input->fd);
  input->fd = -1;
  input->start = input->end = 0;
}

static bool is_drained(const struct input *input) {
  int left = 0;
  return ioctl(input->fd, FIONREAD, &left) == 0 && left == 0;
}

int input_tick(struct input *input, bool process_is_there, int64_t now) {
  if (input->fd < 0 || !input->closing || input->end > 0) return -1;
  if (!process_is_there) return TICK_MAX;
  if (input->closing_since == 0) input->closing_since = now;
  int64_t waited = now - input->closing_since;
  if (is_drained(input) || waited >= READER_GRACE) {
    input_drop(input);
    return -1;
  }
  return waited < TICK_MIN ? TICK_MIN : waited < TICK_MAX ? (int)waited : TICK_MAX;
}
