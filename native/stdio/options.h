#ifndef BERTH_STDIO_OPTIONS_H
#define BERTH_STDIO_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* What the command line asks for. Strings belong to argv; NULL means not given. */
struct options {
  const char *socket;
  const char *stdout_fifo;
  const char *stderr_fifo;
  const char *stdin_fifo;
  const char *log;
  bool stdin_once;
  bool terminal;
  int64_t max_size; /* bytes of one log file; 0 is no limit */
  unsigned max_file; /* log files in all, the current one included */
};

/* 0, or -EINVAL after a sentence on standard error. */
int options_parse(struct options *options, int argc, char **argv);

#endif
