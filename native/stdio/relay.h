#ifndef BERTH_STDIO_RELAY_H
#define BERTH_STDIO_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "tap.h"

/* Pieces of 64 kB and more go into big folios of the page cache, where each is copied four times as slowly (Linux 6). */
enum { RELAY_BUFFER = 32 * 1024 };

/*
 * Carries one stream from a tap to a FIFO, a pipe, a file or a terminal, by splice where both are pipes. Whoever takes
 * nothing holds its own stream back and nobody else's. A file that cannot be written holds nobody back: the bytes are
 * dropped and counted, and the count is noted in the file when there is room again.
 */
struct relay {
  struct loop *loop;
  struct tap from;
  struct watch to;
  int reader; /* our own reading end of a FIFO, so that a reader may go away and come back; else -1 */
  bool is_file;
  bool can_splice;
  bool is_broken; /* nobody will ever read what is written; it is read and thrown away */
  bool keeps_when_broken; /* …or is left unread: the way in, whose writers shall wait */
  bool is_over;
  unsigned char *buffer; /* mapped; its pages are given back when the stream is quiet */
  size_t start, end; /* what was read and is not written yet */
  bool was_busy;
  struct timer quiet;
  uint64_t dropped;
  int reason;
  unsigned lingered;
  void *owner;
  void (*over)(struct relay *relay); /* the tap has ended and all is written; called once; may close */
};

/* Begins with nothing open. 0 or -ENOMEM. */
int relay_begin(struct relay *relay, struct loop *loop, void *owner, void (*over)(struct relay *));

/*
 * Writes to what is at the path. A FIFO is held open for reading too: it needs no reader to be opened, and none to stay.
 * Anything else is appended to, and made if `create`.
 */
bool relay_to_path(struct relay *relay, const char *path, bool create, struct failure *failure);

/* Writes to a non-blocking descriptor, which it owns from now on. */
void relay_to(struct relay *relay, int fd);

/* Reads from a non-blocking descriptor, which it owns from now on; starts. `to` may be -1: the bytes are thrown away. */
void relay_from(struct relay *relay, int fd, enum tap_kind kind);

/* What is there now is all there will be. */
void relay_finish(struct relay *relay);

/* Lets go of everything; `over` is not called. Also of one that was never begun but is all zero. */
void relay_close(struct relay *relay);

#endif
