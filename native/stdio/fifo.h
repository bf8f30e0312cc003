#ifndef BERTH_STDIO_FIFO_H
#define BERTH_STDIO_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Opens an existing FIFO without ever blocking. Returns the descriptor or -errno; -EINVAL when it is no FIFO. */
int fifo_open(const char *path, int mode);

/* The reading end of an output FIFO: it ends when its last writer has gone, not before the first has come. */
struct output {
  int fd; /* -1 once it has ended, or when there is none */
  bool writer_came;
};

int output_open(struct output *output, const char *path);

/*
 * Reads what is there, at most `size` bytes; 0 when there is nothing now. At the end it closes, and `fd` is -1. `hung_up`
 * is what poll said: a FIFO without a writer reads as ended before the first one has come. Reading without poll's
 * advice is fine, and finds out whether a writer has come.
 */
size_t output_read(struct output *output, unsigned char *bytes, size_t size, bool hung_up);

void output_close(struct output *output);

#endif
