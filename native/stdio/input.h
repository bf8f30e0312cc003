#ifndef BERTH_STDIO_INPUT_H
#define BERTH_STDIO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch.h"

enum { INPUT_BUFFER = 64 * 1024 };

/*
 * The way to the process's stdin. A FIFO, whose other side is a shim's, is held open for reading as well, so that it never
 * blocks and never breaks; therefore it is closed only when the other side has surely taken what was written.
 */
struct input {
  struct watch watch; /* without a descriptor once it is closed, or when there is none */
  bool is_fifo;
  bool closing; /* no more bytes are taken */
  int64_t closing_since; /* when both were so: closing, and the process's side was there */
  size_t start;
  size_t end;
  unsigned char *buffer; /* mapped; its pages are given back when they hold nothing */
};

/* Without a descriptor (-1) everything is thrown away. 0 or -ENOMEM. */
int input_open(struct input *input, struct loop *loop, void (*ready)(struct source *, uint32_t));

/* Takes a non-blocking descriptor. */
void input_begin(struct input *input, int fd, bool is_fifo);

/* True while bytes from clients are taken; false when they are to be thrown away. */
bool input_accepts(const struct input *input);

/* True when a client's bytes must wait until the process has read some. */
bool input_is_full(const struct input *input);

/* Reads from a client, or takes nothing and returns what recv returned: 0 at its end, -errno. */
int input_take(struct input *input, int client);

/* Writes what fits, and waits for room if need be. */
void input_flush(struct input *input);

/* Ends the process's stdin after what is pending. */
void input_close(struct input *input);

/* The process has ended: closes at once, and what is pending is lost. */
void input_drop(struct input *input);

/* Carries a close on; returns in how many milliseconds to call again, or -1 for never. */
int input_tick(struct input *input, bool process_is_there, int64_t now);

void input_rest(struct input *input);
void input_free(struct input *input);

#endif
