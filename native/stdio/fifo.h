#ifndef BERTH_STDIO_FIFO_H
#define BERTH_STDIO_FIFO_H

/* Opens an existing FIFO without ever blocking. Returns the descriptor or -errno; -EINVAL when it is no FIFO. */
int fifo_open(const char *path, int mode);

#endif
