#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "addon.h"

static void fail(struct arguments *in, int error) {
  if (in->error == 0) in->error = error;
}

/* The next argument, or NULL when there is none or an earlier one was wrong. */
static napi_value next_of(struct arguments *in) {
  if (in->error != 0) return NULL;
  if (in->next < in->count) return in->values[in->next++];
  fail(in, -EINVAL);
  return NULL;
}

static bool bytes_of(struct arguments *in, napi_value value, struct bytes *bytes) {
  bool is_view = false;
  if (napi_is_buffer(in->env, value, &is_view) != napi_ok || !is_view) return false;
  return napi_get_buffer_info(in->env, value, &bytes->data, &bytes->length) == napi_ok;
}

void take_text(struct arguments *in, char *text, size_t size) {
  text[0] = '\0';
  napi_value value = next_of(in);
  if (value == NULL) return;
  size_t length = 0;
  if (napi_get_value_string_utf8(in->env, value, text, size, &length) != napi_ok) {
    struct bytes bytes = {0};
    if (!bytes_of(in, value, &bytes)) return fail(in, -EINVAL);
    length = bytes.length < size - 1 ? bytes.length : size - 1;
    if (length > 0) memcpy(text, bytes.data, length);
    text[length] = '\0';
  }
  if (memchr(text, '\0', length) != NULL) return fail(in, -EINVAL);
  /* A text that does not fit is cut at a whole character: up to three bytes early. */
  if (length + 4 > size) fail(in, -ENAMETOOLONG);
}

void take_path(struct arguments *in, char path[PATH_SIZE]) {
  take_text(in, path, PATH_SIZE);
}

int64_t take_integer(struct arguments *in) {
  napi_value value = next_of(in);
  if (value == NULL) return 0;
  int64_t number = 0;
  if (napi_get_value_int64(in->env, value, &number) != napi_ok) fail(in, -EINVAL);
  return number;
}

int take_int(struct arguments *in) {
  int64_t number = take_integer(in);
  if (number < INT_MIN || number > INT_MAX) fail(in, -EINVAL);
  return (int)number;
}

uint32_t take_id(struct arguments *in) {
  int64_t number = take_integer(in);
  if (number < 0 || number >= UINT32_MAX) fail(in, -EINVAL);
  return (uint32_t)number;
}

struct timespec take_time(struct arguments *in) {
  struct timespec time = {.tv_sec = take_integer(in)};
  time.tv_nsec = take_integer(in);
  return time;
}

struct bytes take_bytes(struct arguments *in) {
  struct bytes bytes = {0};
  napi_value value = next_of(in);
  if (value != NULL && !bytes_of(in, value, &bytes)) fail(in, -EINVAL);
  return bytes;
}

size_t take_copy(struct arguments *in, void *copy, size_t size) {
  struct bytes bytes = take_bytes(in);
  if (bytes.length > size) {
    fail(in, -E2BIG);
    return 0;
  }
  if (bytes.length > 0) memcpy(copy, bytes.data, bytes.length);
  return bytes.length;
}
