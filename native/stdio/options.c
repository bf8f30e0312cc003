#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "berth-uri.h"

static int complain(const char *text) {
  fprintf(stderr, "%s\n", text);
  return -EINVAL;
}

static int check(struct options *options) {
  struct failure failure;
  bool has_fifos = options->stdout_fifo != NULL || options->stderr_fifo != NULL || options->stdin_fifo != NULL;
  if (options->is_logger && has_fifos)
    return complain("Cannot start: with --binary the streams are the descriptors 3 and 4, not FIFOs");
  if (options->is_logger && options->board.socket == NULL && options->board.log.path == NULL)
    return complain("Cannot start: --socket or --log is needed");
  if (!options->is_logger && (options->board.socket == NULL || options->stdout_fifo == NULL))
    return complain("Cannot start: --socket and --stdout are needed");
  if (options->terminal && options->stderr_fifo != NULL)
    return complain("Cannot start: a terminal has no --stderr of its own");
  return berth_options_check(&options->board, &failure) ? 0 : complain(failure.text);
}

static const struct option known[] = {
  { "socket", required_argument, NULL, 's' },     { "stdout", required_argument, NULL, 'o' },
  { "stderr", required_argument, NULL, 'e' },     { "stdin", required_argument, NULL, 'i' },
  { "stdin-once", no_argument, NULL, '1' },       { "terminal", no_argument, NULL, 't' },
  { "binary", required_argument, NULL, 'b' },     { "log", required_argument, NULL, 'n' },
  { "format", required_argument, NULL, 'n' },     { "max-size", required_argument, NULL, 'n' },
  { "max-file", required_argument, NULL, 'n' },   { "mode", required_argument, NULL, 'n' },
  { "max-buffer-size", required_argument, NULL, 'n' }, { NULL, 0, NULL, 0 },
};

static int take(struct options *options, int option, const char *name, const char *value) {
  struct failure failure;
  switch (option) {
  case 's': options->board.socket = value; return 0;
  case 'o': options->stdout_fifo = value; return 0;
  case 'e': options->stderr_fifo = value; return 0;
  case 'i': options->stdin_fifo = value; return 0;
  case '1': options->board.stdin_once = true; return 0;
  case 't': options->terminal = true; return 0;
  case 'b': options->is_logger = true; return 0;
  case 'n': return berth_option(&options->board, name, value, &failure) ? 0 : complain(failure.text);
  default: return -EINVAL; /* getopt_long has said why */
  }
}

int options_parse(struct options *options, int argc, char **argv) {
  *options = (struct options){ .terminal = false };
  int option, index = 0;
  while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
    int error = take(options, option, known[index].name, optarg);
    if (error != 0) return error;
  }
  if (optind != argc) {
    fprintf(stderr, "Cannot start: \"%s\" is no option\n", argv[optind]);
    return -EINVAL;
  }
  return check(options);
}
