#ifndef BERTH_STDIO_OPTIONS_H
#define BERTH_STDIO_OPTIONS_H

#include <stdbool.h>

#include "board.h"

/* What the command line asks for. Strings belong to argv; NULL means not given. */
struct options {
  const char *stdout_fifo;
  const char *stderr_fifo;
  const char *stdin_fifo;
  bool terminal;
  bool is_logger; /* started for a binary:// URI: the streams are the descriptors 3 and 4, ready is told on 5 */
  struct board_options board;
};

/* 0, or -EINVAL after a sentence on standard error. */
int options_parse(struct options *options, int argc, char **argv);

#endif
