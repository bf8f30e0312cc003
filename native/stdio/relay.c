#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Steps in one turn of the loop, so that one stream leaves room for others; the most that one splice moves. */
enum { STEPS = 16, SPLICE_SIZE = 1024 * 1024 };

/* Milliseconds: until a quiet stream gives its pages back; between looks whether a FIFO without readers got one; looks. */
enum { QUIET = 1000, LINGER_TICK = 50, LINGERS = 200 };

enum step { MOVED, EMPTY, FULL, ENDED };

static int pending_in(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) == 0 ? count : 0;
}

/* The destination takes no more, for ever. */
static void break_off(struct relay *relay) {
  relay->is_broken = true;
  relay->start = relay->end = 0;
}

static bool note_dropped(struct relay *relay) {
  char text[160];
  int length = snprintf(text, sizeof text, "\nberth: %llu bytes were dropped here: %s\n",
                        (unsigned long long)relay->dropped, strerror(relay->reason));
  if (write(relay->to.source.fd, text, (size_t)length) != length) return false;
  relay->dropped = 0;
  return true;
}

static void drop(struct relay *relay, int reason) {
  relay->dropped += relay->end - relay->start;
  relay->reason = reason;
  relay->start = relay->end = 0;
}

static enum step write_pending(struct relay *relay) {
  if (relay->is_broken || (relay->dropped > 0 && !note_dropped(relay))) {
    drop(relay, relay->reason);
    return MOVED;
  }
  ssize_t count = write(relay->to.source.fd, relay->buffer + relay->start, relay->end - relay->start);
  if (count >= 0) {
    relay->start += (size_t)count;
    if (relay->start == relay->end) relay->start = relay->end = 0;
  } else if (errno == EAGAIN) {
    return FULL;
  } else if (errno != EINTR) {
    if (relay->is_file) drop(relay, errno);
    else break_off(relay);
  }
  return MOVED;
}

static enum step judged(struct relay *relay, ssize_t result, bool hung_up) {
  ssize_t count = tap_judge(&relay->from, result, hung_up);
  return count > 0 ? MOVED : count == 0 ? ENDED : EMPTY;
}

static enum step splice_on(struct relay *relay, bool hung_up) {
  ssize_t count = splice(relay->from.watch.source.fd, NULL, relay->to.source.fd, NULL, SPLICE_SIZE, SPLICE_F_NONBLOCK);
  if (count < 0 && errno == EINVAL) {
    relay->can_splice = false;
    return MOVED;
  }
  if (count < 0 && errno == EPIPE) {
    break_off(relay);
    return MOVED;
  }
  if (count < 0 && errno == EAGAIN && pending_in(relay->from.watch.source.fd) > 0) return FULL;
  return judged(relay, count, hung_up);
}

static enum step read_on(struct relay *relay, bool hung_up) {
  ssize_t count = read(relay->from.watch.source.fd, relay->buffer, RELAY_BUFFER);
  enum step step = judged(relay, count, hung_up);
  relay->was_busy = true;
  if (step != MOVED) return step;
  relay->start = 0;
  relay->end = relay->is_broken ? 0 : (size_t)count;
  return MOVED;
}

static enum step take_step(struct relay *relay, bool hung_up) {
  if (relay->end > 0) return write_pending(relay);
  if (relay->is_broken && relay->keeps_when_broken) return FULL;
  return relay->can_splice && !relay->is_broken ? splice_on(relay, hung_up) : read_on(relay, hung_up);
}

static void close_destination(struct relay *relay) {
  if (relay->reader >= 0) close(relay->reader);
  relay->reader = -1;
  watch_end(&relay->to);
}

/* A FIFO that nobody has open yet keeps what was written for a while, in case its reader is only late. */
static bool lingers(struct relay *relay) {
  if (relay->reader < 0 && relay->lingered == 0) return false;
  if (relay->reader >= 0) close(relay->reader);
  relay->reader = -1;
  struct pollfd polled = { .fd = relay->to.source.fd, .events = 0 };
  bool has_reader = poll(&polled, 1, 0) == 0 || (polled.revents & POLLERR) == 0;
  return !has_reader && relay->lingered++ < LINGERS && pending_in(relay->to.source.fd) > 0;
}

static void end_destination(struct relay *relay) {
  if (relay->to.source.fd < 0) return;
  if (lingers(relay)) timer_set(relay->loop, &relay->quiet, LINGER_TICK);
  else close_destination(relay);
}

static void end(struct relay *relay) {
  tap_end(&relay->from);
  watch_for(&relay->to, 0);
  relay->is_over = true;
  if (relay->dropped > 0) (void)note_dropped(relay);
  end_destination(relay);
  relay->over(relay);
}

static void pump(struct relay *relay, bool hung_up) {
  enum step step = MOVED;
  for (int i = 0; i < STEPS && step == MOVED; i++) step = take_step(relay, hung_up);
  if (step == ENDED) return end(relay);
  tap_wait(&relay->from, step != FULL);
  watch_for(&relay->to, step == FULL && !relay->is_broken ? EPOLLOUT : 0);
  if (relay->was_busy && !relay->quiet.is_set) timer_set(relay->loop, &relay->quiet, QUIET);
  if (step == MOVED && relay->from.is_last) timer_set(relay->loop, &relay->quiet, 0);
}

static void readable(struct source *source, uint32_t events) {
  struct tap *tap = holder_of(source, struct tap, watch.source);
  pump(holder_of(tap, struct relay, from), (events & EPOLLHUP) != 0);
}

static void writable(struct source *source, uint32_t events) {
  (void)events;
  pump(holder_of(source, struct relay, to.source), false);
}

static void quiet(struct timer *timer) {
  struct relay *relay = holder_of(timer, struct relay, quiet);
  if (relay->is_over) return end_destination(relay);
  if (relay->from.is_last) return pump(relay, false);
  if (relay->was_busy) {
    relay->was_busy = false;
    timer_set(relay->loop, &relay->quiet, QUIET);
  } else if (relay->end == 0) {
    (void)madvise(relay->buffer, RELAY_BUFFER, MADV_DONTNEED);
  }
}

int relay_begin(struct relay *relay, struct loop *loop, void *owner, void (*over)(struct relay *)) {
  *relay = (struct relay){ .loop = loop, .reader = -1, .owner = owner, .over = over, .quiet.due = quiet };
  tap_begin(&relay->from, loop, -1, TAP_PIPE, readable);
  watch_begin(&relay->to, loop, -1, writable);
  void *buffer = mmap(NULL, RELAY_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (buffer == MAP_FAILED) return -errno;
  relay->buffer = buffer;
  return 0;
}

static bool cannot_open(const char *path, int error, struct failure *failure) {
  return fail(failure, error == ENOENT ? NOT_FOUND : UNKNOWN, "Cannot open \"%s\" for a stream: %s", path,
              strerror(error));
}

/* The writing end, once our own reading end has it open. */
static bool hold_fifo(struct relay *relay, const char *path, struct failure *failure) {
  relay->reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  int fd = relay->reader < 0 ? -1 : open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return cannot_open(path, errno, failure);
  relay_to(relay, fd);
  return true;
}

bool relay_to_path(struct relay *relay, const char *path, bool create, struct failure *failure) {
  struct stat status;
  if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode)) return hold_fifo(relay, path, failure);
  int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (create ? O_CREAT : 0);
  int fd = open(path, flags, 0644);
  if (fd < 0) return cannot_open(path, errno, failure);
  relay_to(relay, fd);
  relay->is_file = true;
  return true;
}

void relay_to(struct relay *relay, int fd) { relay->to.source.fd = fd; }

void relay_from(struct relay *relay, int fd, enum tap_kind kind) {
  tap_begin(&relay->from, relay->loop, fd, kind, readable);
  relay->can_splice = kind != TAP_TERMINAL && !relay->is_file;
  relay->is_broken = relay->to.source.fd < 0;
  tap_wait(&relay->from, true);
}

void relay_finish(struct relay *relay) {
  if (!tap_is_open(&relay->from)) return;
  relay->from.is_last = true;
  timer_set(relay->loop, &relay->quiet, 0);
}

void relay_close(struct relay *relay) {
  if (relay->loop == NULL) return;
  timer_clear(relay->loop, &relay->quiet);
  tap_end(&relay->from);
  close_destination(relay);
  if (relay->buffer != NULL) munmap(relay->buffer, RELAY_BUFFER);
  *relay = (struct relay){ .reader = -1, .from.watch.source.fd = -1, .to.source.fd = -1 };
}
