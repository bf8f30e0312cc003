#ifndef BERTH_SHIM_JSON_H
#define BERTH_SHIM_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

/*
 * Reads JSON without keeping it: whoever asks sees every value once, in order, and where it stands. Deep levels are
 * counted but not named.
 */

enum { JSON_NAMED_LEVELS = 4, JSON_KEY_SIZE = 128, JSON_DEPTH_MOST = 64 };

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_OBJECT_END, JSON_ARRAY, JSON_ARRAY_END };

struct json_value {
  enum json_kind kind;
  bool truth; /* of a boolean */
  const char *text; /* of a string or number, not NUL-ended */
  size_t length;
};

struct json {
  void (*visit)(struct json *json, const struct json_value *value);
  void *context;
  bool several; /* values one after the other, as in a log */
  unsigned depth; /* how many objects and arrays are open around the value */
  bool is_array[JSON_DEPTH_MOST];
  char keys[JSON_NAMED_LEVELS][JSON_KEY_SIZE]; /* "[]" in an array, "" for one that is too long to be known here */
};

/* Whether the value stands there: json_at(json, 2, "annotations", "name"). */
bool json_at(const struct json *json, unsigned depth, ...);

/* Whether it is this string. */
bool json_is(const struct json_value *value, const char *text);

/* A copy of a string, which the caller frees; NULL for other kinds, one with NUL inside, or without memory. */
char *json_copy(const struct json_value *value);

/* Reads it all; false when it is no JSON, or deeper than allowed. What was visited until then was visited. */
bool json_read(struct json *json, const char *bytes, size_t length);

/* The same of a regular file, from `offset` on. */
bool json_read_file(struct json *json, const char *path, size_t offset, size_t most, struct failure *failure);

#endif
