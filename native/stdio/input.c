#include "input.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often to look whether a closing FIFO has been emptied, and how long a reader may take to open it, in ms. */
enum { TICK_MIN = 2, TICK_MAX = 100, READER_GRACE = 10000 };

int input_open(struct input *input, struct loop *loop, void (*ready)(struct source *, uint32_t)) {
  *input = (struct input){ .closing = false };
  watch_begin(&input->watch, loop, -1, ready);
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *buffer = mmap(NULL, INPUT_BUFFER, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (buffer == MAP_FAILED) return -errno;
  input->buffer = buffer;
  return 0;
}

void input_begin(struct input *input, int fd, bool is_fifo) {
  input->watch.source.fd = fd;
  input->is_fifo = is_fifo;
}

bool input_accepts(const struct input *input) { return input->watch.source.fd >= 0 && !input->closing; }

bool input_is_full(const struct input *input) { return input->end > 0; }

int input_take(struct input *input, int client) {
  ssize_t count = recv(client, input->buffer, INPUT_BUFFER, MSG_DONTWAIT);
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
    ssize_t count = write(input->watch.source.fd, input->buffer + input->start, input->end - input->start);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return watch_for(&input->watch, EPOLLOUT);
    if (count <= 0) break;
    input->start += (size_t)count;
  }
  input->start = input->end = 0;
  watch_for(&input->watch, 0);
}

void input_close(struct input *input) { input->closing = true; }

void input_drop(struct input *input) {
  watch_end(&input->watch);
  input->start = input->end = 0;
}

static bool is_drained(const struct input *input) {
  int left = 0;
  return ioctl(input->watch.source.fd, FIONREAD, &left) == 0 && left == 0;
}

int input_tick(struct input *input, bool process_is_there, int64_t now) {
  if (input->watch.source.fd < 0 || !input->closing || input->end > 0) return -1;
  if (!input->is_fifo) {
    input_drop(input);
    return -1;
  }
  if (!process_is_there) return TICK_MAX;
  if (input->closing_since == 0) input->closing_since = now;
  int64_t waited = now - input->closing_since;
  if (is_drained(input) || waited >= READER_GRACE) {
    input_drop(input);
    return -1;
  }
  return waited < TICK_MIN ? TICK_MIN : waited < TICK_MAX ? (int)waited : TICK_MAX;
}

void input_rest(struct input *input) {
  if (input->end == 0) (void)madvise(input->buffer, INPUT_BUFFER, MADV_DONTNEED);
}

void input_free(struct input *input) {
  input_drop(input);
  if (input->buffer != NULL) munmap(input->buffer, INPUT_BUFFER);
  input->buffer = NULL;
}
