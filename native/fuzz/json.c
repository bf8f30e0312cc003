/* The readers of JSON: a process for exec, a bundle's config.json, what a runtime wrote into its log. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/runtime/json.h"
#include "shim/runtime/log.h"
#include "shim/runtime/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(struct json *json, const struct json_value *value) {
  size_t *sum = json->context;
  if (value->kind == JSON_STRING || value->kind == JSON_NUMBER)
    for (size_t i = 0; i < value->length; i++) *sum += (unsigned char)value->text[i];
  if (json_at(json, 2, "annotations", "name")) free(json_copy(value));
}

static void read_log(const uint8_t *data, size_t size) {
  char path[64], text[256];
  int file = memfd_create("log", MFD_CLOEXEC);
  if (file < 0 || write(file, data, size) != (ssize_t)size) abort();
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  runtime_log_error(path, size > 0 ? data[0] % 4 : 0, text, sizeof text);
  close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t sum = 0, length;
  struct json json = { .visit = visit, .context = &sum };
  bool is_json = json_read(&json, (const char *)data, size);
  char *process = spec_process((const char *)data, size, true, &length);
  if (process != NULL && !is_json) abort();
  if (process != NULL && !spec_is_object(process, length)) abort();
  free(process);
  read_log(data, size);
  return 0;
}
