#ifndef BERTH_STDIO_LOG_H
#define BERTH_STDIO_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "json.h"

/* Docker's number of an output stream, as in its multiplexed frames. */
enum stream { STREAM_STDOUT = 1, STREAM_STDERR = 2 };

/* Longer lines are split, as Docker's json-file driver does. */
enum { LOG_LINE = 16 * 1024, LOG_FRAME = 128, LOG_BUFFER = LOG_LINE * JSON_EXPANSION + LOG_FRAME };

struct log_line {
  size_t length;
  unsigned char bytes[LOG_LINE];
};

/*
 * A log file in Docker's json-file format: one JSON object per line. A write that fails never stops the caller: the
 * lines are dropped, counted, and the count is noted in the log when writing works again.
 */
struct log {
  int fd; /* -1: there is no log, and every call does nothing */
  const char *path;
  int64_t max_size;
  unsigned max_file;
  int64_t size;
  int64_t rotate_at; /* 0 is never */
  uint64_t dropped;
  int reason; /* errno of the last failed write */
  bool torn;  /* the file ends inside a line */
  time_t stamped;
  char stamp[sizeof "2006-01-02T15:04:05"];
  struct log_line partial[2];
  size_t used;
  char buffer[LOG_BUFFER];
};

/* Opens for appending. `path` NULL makes a log that drops everything; it must stay valid while the log is open. */
int log_open(struct log *log, const char *path, int64_t max_size, unsigned max_file);

/* Takes bytes of a stream; complete lines are with the kernel when it returns. */
void log_write(struct log *log, enum stream stream, const unsigned char *bytes, size_t length);

/* Writes what is left of the last lines and closes. */
void log_close(struct log *log);

#endif
