#ifndef BERTH_STDIO_LOG_FILE_H
#define BERTH_STDIO_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log-format.h"

/*
 * A file of whole records. A write that fails never stops the caller: the records are dropped, counted, and the count is
 * noted in the file when writing works again.
 */
struct log_file {
  int fd; /* -1: there is none */
  enum log_format format;
  char *path;
  int64_t max_size;
  unsigned max_file;
  int64_t size;
  int64_t rotate_at; /* 0 is never */
  uint64_t dropped;
  int reason; /* errno of the last failed write */
  bool torn;  /* the file ends inside a record */
};

/* Opens for appending, and makes it. Copies the path. 0 or -errno; -EINVAL when it is no regular file. */
int log_file_open(struct log_file *file, const char *path);

/* Opens what is at the path now, after somebody has moved the file away. 0, or -errno and the old file is kept. */
int log_file_reopen(struct log_file *file);

/* Appends whole records, noting before what was dropped. They are with the kernel when it returns. */
void log_file_append(struct log_file *file, const char *bytes, size_t length);

/* Begins the file anew when it has reached its limit; `pending` bytes are to be appended still. True when it has. */
bool log_file_is_full(const struct log_file *file, size_t pending);
void log_file_rotate(struct log_file *file);

void log_file_close(struct log_file *file);

#endif
