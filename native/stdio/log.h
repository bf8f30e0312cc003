#ifndef BERTH_STDIO_LOG_H
#define BERTH_STDIO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "log-file.h"
#include "log-format.h"

/* Longer lines are split, as Docker's json-file driver and containerd's CRI do. */
enum { LOG_LINE = 16 * 1024 };

enum { LOG_PARTIAL = 20 * 1024, LOG_BUFFER = 100 * 1024, LOG_PAGES = 2 * LOG_PARTIAL + LOG_BUFFER };
_Static_assert(LOG_BUFFER >= LOG_LINE * JSON_EXPANSION + LOG_FRAME, "a line fits");

struct log_options {
  const char *path; /* NULL: no log */
  enum log_format format;
  int64_t max_size; /* bytes of one file; 0 is no limit */
  unsigned max_file; /* files in all, the current one included */
};

/* The lines of two streams, written as records to a file. It never stops its caller (log-file.h). */
struct log {
  struct log_file file; /* without one every call does nothing */
  struct stamp stamp;
  size_t partial[2]; /* bytes of the line that each stream is in */
  size_t used;       /* of the buffer, within a call */
  char *pages;       /* two lines and the buffer; mapped, and given back when they hold nothing */
};

/* 0 or -errno. */
int log_open(struct log *log, const struct log_options *options);

/* Takes bytes of a stream; complete lines are with the kernel when it returns. */
void log_write(struct log *log, enum stream stream, const unsigned char *bytes, size_t length);

/* Opens the file at its path anew. 0, or -errno and the old one is kept; -ENOENT without a log. */
int log_reopen(struct log *log);

/* Gives memory back that holds nothing now. */
void log_rest(struct log *log);

/* Writes what is left of the last lines and closes. */
void log_close(struct log *log);

#endif
