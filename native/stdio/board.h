#ifndef BERTH_STDIO_BOARD_H
#define BERTH_STDIO_BOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "attach.h"
#include "base/failure.h"
#include "input.h"
#include "log.h"
#include "tap.h"

enum { BOARD_CHUNK = 48 * 1024 };

/* What is asked of a board. Strings belong to the caller. */
struct board_options {
  const char *socket; /* NULL: nobody can attach */
  struct log_options log;
  bool stdin_once;
  bool non_blocking; /* slow clients lose bytes, and never hold the process back */
  size_t max_buffer; /* …beyond so many */
};

/*
 * Where the streams of one process meet a log and the clients that attach: its output goes to all of them, their input to
 * it. The log never holds the process back, slow clients do: for ever, for ten seconds beside a CRI log, or not at all.
 */
struct board {
  struct loop *loop;
  struct tap outputs[2]; /* stdout and stderr */
  struct input input;
  struct log log;
  struct attach attach;
  struct timer timer;
  struct timer quiet;
  bool was_busy;
  bool awaits; /* outputs that are still to come */
  bool gives_up; /* streams that no process has come for are to end */
  bool is_over;
  unsigned char *chunk; /* mapped; its pages are given back when it is quiet */
  void *owner;
  void (*over)(void *owner); /* both outputs have ended and everybody has got what is theirs; may close */
};

/* Opens log and socket. Says what could not be opened; then, and without one, board_close() is fine. */
bool board_open(struct board *board, struct loop *loop, const struct board_options *options, struct failure *failure);

/* Gives it the process's streams, non-blocking descriptors that it owns from now on; -1 is none. In any order. */
void board_output(struct board *board, enum stream stream, int fd, enum tap_kind kind);
void board_input(struct board *board, int fd, bool is_fifo);

/*
 * Begins to wait. From here on `over` is called, once. With `awaits` not before an output was given, or the process has
 * ended.
 */
void board_start(struct board *board, bool awaits);

/* The process's stdin ends after what is pending. */
void board_end_input(struct board *board);

/* No output is to come any more that was not given. */
void board_process_ended(struct board *board);

/* What is there now of the outputs is all there will be. */
void board_finish(struct board *board);

/* Ends the outputs if no process has come for them. */
void board_give_up(struct board *board);

/* Lets go of everything at once; `over` is not called. */
void board_close(struct board *board);

#endif
