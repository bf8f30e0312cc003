#include "tap.h"

#include <errno.h>
#include <fcntl.h>

/* A pipe holds 64 KiB. When half of that comes at once, the writer is faster than we are woken: it gets room for more. */
enum { MUCH = 32 * 1024, MOST_ROOM = 1024 * 1024, SOME_ROOM = 256 * 1024 };

static void grow(struct tap *tap) {
  tap->is_grown = true;
  if (tap->kind == TAP_TERMINAL) return;
  if (fcntl(tap->watch.source.fd, F_SETPIPE_SZ, MOST_ROOM) < 0) (void)fcntl(tap->watch.source.fd, F_SETPIPE_SZ, SOME_ROOM);
}

void tap_begin(struct tap *tap, struct loop *loop, int fd, enum tap_kind kind, void (*ready)(struct source *, uint32_t)) {
  *tap = (struct tap){ .kind = kind };
  watch_begin(&tap->watch, loop, fd, ready);
}

void tap_wait(struct tap *tap, bool wanted) {
  watch_for(&tap->watch, !wanted ? 0 : tap->rests ? EPOLLIN | EPOLLET : EPOLLIN);
}

ssize_t tap_judge(struct tap *tap, ssize_t result, bool hung_up) {
  if (result > 0) {
    tap->writer_came = true;
    tap->rests = false;
    if (result >= MUCH && !tap->is_grown) grow(tap);
    return result;
  }
  int error = result == 0 ? 0 : errno;
  if (error == EINTR) return -EAGAIN;
  if (error == EAGAIN) {
    tap->writer_came = tap->writer_came || tap->kind == TAP_FIFO;
    return tap->is_last ? 0 : -EAGAIN;
  }
  if (tap->kind == TAP_FIFO && error == 0 && !hung_up && !tap->writer_came) return -EAGAIN;
  if (tap->kind == TAP_TERMINAL && (error == EIO || error == 0) && !tap->is_last) {
    tap->rests = true;
    return -EAGAIN;
  }
  return 0;
}

void tap_end(struct tap *tap) { watch_end(&tap->watch); }
