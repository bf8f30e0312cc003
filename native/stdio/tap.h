#ifndef BERTH_STDIO_TAP_H
#define BERTH_STDIO_TAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "watch.h"

/*
 * Where bytes come from. A pipe ends with its last writer. A FIFO does too, but not before its first writer has come. A
 * terminal has no end: when nobody has it open, somebody may open it again, until its process has ended.
 */
enum tap_kind { TAP_PIPE, TAP_FIFO, TAP_TERMINAL };

struct tap {
  struct watch watch;
  enum tap_kind kind;
  void *owner;
  bool writer_came;
  bool is_grown; /* a pipe that was found full has got room for more */
  bool is_last;  /* a terminal whose process has ended: what is there now is all there will be */
  bool rests;    /* a terminal that nobody has open: waits for a change, not for a state */
};

void tap_begin(struct tap *tap, struct loop *loop, int fd, enum tap_kind kind, void (*ready)(struct source *, uint32_t));

static inline bool tap_is_open(const struct tap *tap) { return tap->watch.source.fd >= 0; }

/* Whether bytes are to be waited for now. */
void tap_wait(struct tap *tap, bool wanted);

/*
 * What a read or a splice from the tap has returned (errno set when < 0) means: > 0 bytes, 0 ended (call tap_end), -EAGAIN
 * nothing now. `hung_up` is what epoll said.
 */
ssize_t tap_judge(struct tap *tap, ssize_t result, bool hung_up);

void tap_end(struct tap *tap);

#endif
