#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

static void tell(struct json *json, enum json_kind kind, const void *text, size_t length) {
  struct json_value value = { .kind = kind, .truth = length != 0, .text = text, .length = length };
  json->visit(json, &value);
}

static int on_null(void *json) { return tell(json, JSON_NULL, NULL, 0), 1; }
static int on_boolean(void *json, int truth) { return tell(json, JSON_BOOLEAN, NULL, truth != 0), 1; }
static int on_number(void *json, const char *text, size_t length) { return tell(json, JSON_NUMBER, text, length), 1; }
static int on_string(void *json, const unsigned char *text, size_t length) {
  return tell(json, JSON_STRING, text, length), 1;
}

static int on_key(void *context, const unsigned char *text, size_t length) {
  struct json *json = context;
  if (json->depth > JSON_NAMED_LEVELS) return 1;
  char *key = json->keys[json->depth - 1];
  if (length >= JSON_KEY_SIZE || memchr(text, '\0', length) != NULL) length = 0;
  memcpy(key, text, length);
  key[length] = '\0';
  return 1;
}

static int open_level(struct json *json, enum json_kind kind) {
  tell(json, kind, NULL, 0);
  if (json->depth == JSON_DEPTH_MOST) return 0;
  json->is_array[json->depth] = kind == JSON_ARRAY;
  if (json->depth < JSON_NAMED_LEVELS) strcpy(json->keys[json->depth], kind == JSON_ARRAY ? "[]" : "");
  json->depth++;
  return 1;
}

static int close_level(struct json *json, enum json_kind kind) {
  json->depth--;
  return tell(json, kind, NULL, 0), 1;
}

static int on_object(void *json) { return open_level(json, JSON_OBJECT); }
static int on_object_end(void *json) { return close_level(json, JSON_OBJECT_END); }
static int on_array(void *json) { return open_level(json, JSON_ARRAY); }
static int on_array_end(void *json) { return close_level(json, JSON_ARRAY_END); }

static const yajl_callbacks callbacks = {
  .yajl_null = on_null,
  .yajl_boolean = on_boolean,
  .yajl_number = on_number,
  .yajl_string = on_string,
  .yajl_start_map = on_object,
  .yajl_map_key = on_key,
  .yajl_end_map = on_object_end,
  .yajl_start_array = on_array,
  .yajl_end_array = on_array_end,
};

static yajl_handle begin(struct json *json) {
  json->depth = 0;
  yajl_handle parser = yajl_alloc(&callbacks, NULL, json);
  if (parser != NULL && json->several) (void)yajl_config(parser, yajl_allow_multiple_values, 1);
  return parser;
}

bool json_at(const struct json *json, unsigned depth, ...) {
  if (json->depth != depth || depth > JSON_NAMED_LEVELS) return false;
  bool same = true;
  va_list keys;
  va_start(keys, depth);
  for (unsigned level = 0; level < depth && same; level++) same = strcmp(json->keys[level], va_arg(keys, const char *)) == 0;
  va_end(keys);
  return same;
}

bool json_is(const struct json_value *value, const char *text) {
  return value->kind == JSON_STRING && value->length == strlen(text) && memcmp(value->text, text, value->length) == 0;
}

char *json_copy(const struct json_value *value) {
  if (value->kind != JSON_STRING || memchr(value->text, '\0', value->length) != NULL) return NULL;
  return strndup(value->text, value->length);
}

bool json_read(struct json *json, const char *bytes, size_t length) {
  yajl_handle parser = begin(json);
  if (parser == NULL) return false;
  bool good = yajl_parse(parser, (const unsigned char *)bytes, length) == yajl_status_ok &&
              yajl_complete_parse(parser) == yajl_status_ok;
  yajl_free(parser);
  return good;
}

static bool feed(yajl_handle parser, int fd, const char *path, struct failure *failure) {
  unsigned char chunk[16 * 1024];
  for (;;) {
    ssize_t count = read(fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(failure, UNKNOWN, "Cannot read \"%s\": %s", path, strerror(errno));
    yajl_status status = count == 0 ? yajl_complete_parse(parser) : yajl_parse(parser, chunk, (size_t)count);
    if (status != yajl_status_ok) return fail(failure, INVALID_ARGUMENT, "Cannot read \"%s\": it is no JSON", path);
    if (count == 0) return true;
  }
}

bool json_read_file(struct json *json, const char *path, size_t offset, size_t most, struct failure *failure) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return fail(failure, errno == ENOENT ? NOT_FOUND : UNKNOWN, "Cannot read \"%s\": %s", path, strerror(errno));
  struct stat facts;
  bool good = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && (size_t)facts.st_size <= offset + most;
  if (!good) fail(failure, INVALID_ARGUMENT, "Cannot read \"%s\": it is no file of at most %zu bytes", path, most);
  yajl_handle parser = good ? begin(json) : NULL;
  if (parser != NULL) {
    (void)lseek(fd, (off_t)offset, SEEK_SET);
    good = feed(parser, fd, path, failure);
    yajl_free(parser);
  } else if (good) good = fail(failure, RESOURCE_EXHAUSTED, "Cannot read \"%s\": out of memory", path);
  close(fd);
  return good;
}
