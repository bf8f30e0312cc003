#include "log.h"

#include <string.h>
#include <sys/stat.h>

#include "json.h"

enum { LOG_MOST = 1 << 20 };

/* The line that is read, and the error that was found so far. */
struct reader {
  char *text;
  size_t size;
  bool is_error;
  char message[2048];
};

static size_t copy(const struct json_value *value, char *text, size_t size) {
  size_t length = value->length < size ? value->length : size - 1;
  memcpy(text, value->text, length);
  text[length] = '\0';
  return length;
}

static void visit(struct json *json, const struct json_value *value) {
  struct reader *reader = json->context;
  if (json->depth == 0 && value->kind == JSON_OBJECT) {
    reader->is_error = false;
    reader->message[0] = '\0';
  }
  if (json_at(json, 1, "level")) reader->is_error = json_is(value, "error");
  if (json_at(json, 1, "msg") && value->kind == JSON_STRING) copy(value, reader->message, sizeof reader->message);
  if (json->depth != 0 || value->kind != JSON_OBJECT_END || !reader->is_error) return;
  struct json_value message = { .text = reader->message, .length = strlen(reader->message) };
  size_t length = copy(&message, reader->text, reader->size);
  while (length > 0 && strchr(" \n\r\t", reader->text[length - 1]) != NULL) reader->text[--length] = '\0';
}

size_t runtime_log_size(const char *path) {
  struct stat facts;
  return stat(path, &facts) < 0 ? 0 : (size_t)facts.st_size;
}

void runtime_log_error(const char *path, size_t offset, char *text, size_t size) {
  text[0] = '\0';
  struct reader reader = { .text = text, .size = size };
  struct json json = { .visit = visit, .context = &reader, .several = true };
  struct failure failure;
  (void)json_read_file(&json, path, offset, LOG_MOST, &failure);
}
