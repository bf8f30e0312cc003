#include "tap.h"

#include <errno.h>

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
