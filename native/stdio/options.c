#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LOG_FILES = 1000 };

static int parse_number(const char *name, const char *text, int64_t least, int64_t most, int64_t *number) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
    fprintf(stderr, "Cannot use \"%s\" as --%s: it must be a number from %lld to %lld\n", text, name, (long long)least,
            (long long)most);
    return -EINVAL;
  }
  *number = value;
  return 0;
}

static int check(const struct options *options) {
  if (options->socket == NULL || options->stdout_fifo == NULL) {
    fprintf(stderr, "Cannot start: --socket and --stdout are needed\n");
    return -EINVAL;
  }
  if (options->terminal && options->stderr_fifo != NULL) {
    fprintf(stderr, "Cannot start: a terminal has no --stderr of its own\n");
    return -EINVAL;
  }
  return 0;
}

static int take(struct options *options, int option, const char *value) {
  int64_t number = 0;
  int error = 0;
  switch (option) {
  case 's': options->socket = value; return 0;
  case 'o': options->stdout_fifo = value; return 0;
  case 'e': options->stderr_fifo = value; return 0;
  case 'i': options->stdin_fifo = value; return 0;
  case 'l': options->log = value; return 0;
  case '1': options->stdin_once = true; return 0;
  case 't': options->terminal = true; return 0;
  case 'm':
    error = parse_number("max-size", value, 0, INT64_MAX / 2, &number);
    options->max_size = number;
    return error;
  case 'n':
    error = parse_number("max-file", value, 1, MAX_LOG_FILES, &number);
    options->max_file = (unsigned)number;
    return error;
  default: return -EINVAL; /* getopt_long has said why */
  }
}

int options_parse(struct options *options, int argc, char **argv) {
  const struct option known[] = {
    { "socket", required_argument, NULL, 's' },  { "stdout", required_argument, NULL, 'o' },
    { "stderr", required_argument, NULL, 'e' },  { "stdin", required_argument, NULL, 'i' },
    { "stdin-once", no_argument, NULL, '1' },    { "terminal", no_argument, NULL, 't' },
    { "log", required_argument, NULL, 'l' },     { "max-size", required_argument, NULL, 'm' },
    { "max-file", required_argument, NULL, 'n' }, { NULL, 0, NULL, 0 },
  };
  *options = (struct options){ .max_file = 1 };
  int option;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    int error = take(options, option, optarg);
    if (error != 0) return error;
  }
  if (optind != argc) {
    fprintf(stderr, "Cannot start: \"%s\" is no option\n", argv[optind]);
    return -EINVAL;
  }
  return check(options);
}
