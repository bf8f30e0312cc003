#ifndef BERTH_STDIO_URI_H
#define BERTH_STDIO_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

enum { URI_LIMIT = 8191, URI_PARAMETERS = 64 };

enum uri_scheme { URI_NONE, URI_FIFO, URI_FILE, URI_BINARY, URI_BERTH };

struct uri_parameter {
  const char *key, *value;
};

/* Where a stream goes or comes from. Pure: nothing here looks at the disk. Not to be copied: it points into itself. */
struct uri {
  enum uri_scheme scheme;
  bool is_strict; /* binary-v2: its ready byte must come, the end of the pipe is not enough */
  const char *path; /* decoded */
  size_t count;
  struct uri_parameter parameters[URI_PARAMETERS]; /* of the query, decoded, in order; each key once, with its first value */
  char text[URI_LIMIT + 1];
};

/*
 * Reads what a client may give for a stream: nothing (URI_NONE), a bare path (taken as it is, no decoding), or `fifo://`,
 * `file://`, `binary://`, `binary-v2://`, `berth://` and an absolute path with a query, decoded as Go's net/url does: what
 * stands between `//` and the path is skipped, and a pair that cannot be decoded, or holds a semicolon, is left out.
 */
bool uri_parse(struct uri *uri, const char *text, struct failure *failure);

/* The value of a parameter, or NULL. */
const char *uri_parameter(const struct uri *uri, const char *key);

#endif
