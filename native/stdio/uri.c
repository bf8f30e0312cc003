#include "uri.h"

#include <string.h>

static int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

/* Decodes in place. False for an escape that is none, and for a zero byte. */
static bool decode(char *text, bool plus_is_space) {
  char *out = text;
  for (; *text != '\0'; text++) {
    if (*text != '%') {
      *out++ = *text == '+' && plus_is_space ? ' ' : *text;
      continue;
    }
    int high = hex_digit(text[1]);
    int low = high < 0 ? -1 : hex_digit(text[2]);
    if (low < 0 || (high | low) == 0) return false;
    *out++ = (char)(high * 16 + low);
    text += 2;
  }
  *out = '\0';
  return true;
}

const char *uri_parameter(const struct uri *uri, const char *key) {
  for (size_t i = 0; i < uri->count; i++)
    if (strcmp(uri->parameters[i].key, key) == 0) return uri->parameters[i].value;
  return NULL;
}

/* One `key=value`, in a buffer of its own that ends with a zero. False when there are too many. */
static bool take_pair(struct uri *uri, char *pair) {
  if (*pair == '\0' || strchr(pair, ';') != NULL) return true;
  char *value = strchr(pair, '=');
  if (value != NULL) *value++ = '\0';
  if (!decode(pair, true) || (value != NULL && !decode(value, true))) return true;
  if (uri_parameter(uri, pair) != NULL) return true;
  if (uri->count == URI_PARAMETERS) return false;
  uri->parameters[uri->count++] = (struct uri_parameter){ .key = pair, .value = value == NULL ? "" : value };
  return true;
}

static bool take_query(struct uri *uri, char *query) {
  while (query != NULL) {
    char *next = strchr(query, '&');
    if (next != NULL) *next++ = '\0';
    if (!take_pair(uri, query)) return false;
    query = next;
  }
  return true;
}

static const struct {
  const char *prefix;
  enum uri_scheme scheme;
  bool is_strict;
} schemes[] = {
  { "fifo://", URI_FIFO, false },
  { "file://", URI_FILE, false },
  { "binary://", URI_BINARY, false },
  { "binary-v2://", URI_BINARY, true },
  { "berth://", URI_BERTH, false },
};

/* What follows the scheme, which is noted; NULL when it is none of ours. */
static char *skip_scheme(struct uri *uri) {
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    size_t length = strlen(schemes[i].prefix);
    if (strncmp(uri->text, schemes[i].prefix, length) != 0) continue;
    uri->scheme = schemes[i].scheme;
    uri->is_strict = schemes[i].is_strict;
    return uri->text + length;
  }
  return NULL;
}

bool uri_parse(struct uri *uri, const char *text, struct failure *failure) {
  uri->scheme = URI_NONE;
  uri->is_strict = false;
  uri->count = 0;
  uri->path = uri->text;
  size_t length = text == NULL ? 0 : strnlen(text, URI_LIMIT + 1);
  if (length > URI_LIMIT)
    return fail(failure, INVALID_ARGUMENT, "Cannot use \"%.64s…\" for a stream: it is longer than %d bytes", text, URI_LIMIT);
  if (length > 0) memcpy(uri->text, text, length);
  uri->text[length] = '\0';
  if (length == 0) return true;
  char *rest = skip_scheme(uri);
  if (rest == NULL && strstr(uri->text, "://") == NULL) {
    uri->scheme = URI_FIFO;
    return true;
  }
  if (rest == NULL)
    return fail(failure, INVALID_ARGUMENT,
                "Cannot use \"%s\" for a stream: only fifo, file, binary, binary-v2 and berth are known", text);
  char *fragment = strchr(rest, '#');
  if (fragment != NULL) *fragment = '\0';
  char *query = strchr(rest, '?');
  if (query != NULL) *query++ = '\0';
  char *path = strchr(rest, '/');
  uri->path = path;
  if (path == NULL || !decode(path, false))
    return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" for a stream: it has no absolute path", text);
  if (!take_query(uri, query))
    return fail(failure, INVALID_ARGUMENT, "Cannot use \"%.256s…\" for a stream: it has more than %d parameters", text,
                URI_PARAMETERS);
  return true;
}
