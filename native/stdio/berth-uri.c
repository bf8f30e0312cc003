#include "berth-uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char *name, const char *text, int64_t least, int64_t most, int64_t *number,
                        struct failure *failure) {
  char *end;
  errno = 0;
  *number = strtoll(text, &end, 10);
  bool is_number = errno == 0 && end != text && *end == '\0' && *text >= '0' && *text <= '9';
  if (is_number && *number >= least && *number <= most) return true;
  return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" as %s: it must be a number from %lld to %lld", text, name,
              (long long)least, (long long)most);
}

/* The index of `value` among two words. */
static bool read_choice(const char *name, const char *value, const char *const words[2], int *index,
                        struct failure *failure) {
  for (*index = 0; *index < 2; (*index)++)
    if (strcmp(value, words[*index]) == 0) return true;
  return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" as %s: it must be %s or %s", value, name, words[0], words[1]);
}

bool berth_option(struct board_options *options, const char *name, const char *value, struct failure *failure) {
  static const char *const formats[] = { "json-file", "cri" }, *const modes[] = { "blocking", "non-blocking" };
  static const char *const yes_no[] = { "0", "1" };
  int64_t number = 0;
  int choice = 0;
  bool fits = true;
  if (strcmp(name, "log") == 0) {
    options->log.path = value;
    fits = *value == '/' || fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" as log: it is no absolute path", value);
  } else if (strcmp(name, "format") == 0) {
    fits = read_choice(name, value, formats, &choice, failure);
    options->log.format = choice == 1 ? LOG_CRI : LOG_JSON;
  } else if (strcmp(name, "max-size") == 0) {
    fits = read_number(name, value, 0, INT64_MAX / 2, &options->log.max_size, failure);
  } else if (strcmp(name, "max-file") == 0) {
    fits = read_number(name, value, 1, MAX_LOG_FILES, &number, failure);
    options->log.max_file = (unsigned)number;
  } else if (strcmp(name, "stdin-once") == 0) {
    fits = read_choice(name, value, yes_no, &choice, failure);
    options->stdin_once = choice == 1;
  } else if (strcmp(name, "mode") == 0) {
    fits = read_choice(name, value, modes, &choice, failure);
    options->non_blocking = choice == 1;
  } else if (strcmp(name, "max-buffer-size") == 0) {
    fits = read_number(name, value, 1, MAX_BUFFER, &number, failure);
    options->max_buffer = (size_t)number;
  } else {
    return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" for streams: no such parameter", name);
  }
  return fits;
}

bool berth_options_check(struct board_options *options, struct failure *failure) {
  if (options->max_buffer > 0 && !options->non_blocking)
    return fail(failure, INVALID_ARGUMENT, "Cannot use max-buffer-size: it needs mode=non-blocking");
  if (options->max_buffer == 0) options->max_buffer = USUAL_BUFFER;
  if (options->log.max_file == 0) options->log.max_file = 1;
  return true;
}

bool berth_uri_options(struct board_options *options, const struct uri *uri, struct failure *failure) {
  *options = (struct board_options){ .socket = uri->path };
  for (size_t i = 0; i < uri->count; i++)
    if (!berth_option(options, uri->parameters[i].key, uri->parameters[i].value, failure)) return false;
  return berth_options_check(options, failure);
}
