#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/write-file.h"
#include "json.h"
#include "options.h"

enum { OPTIONS_MOST = 32 * 1024 };

/* JSON in the making; too much of it is an error at the end. */
struct text {
  size_t length;
  char bytes[OPTIONS_MOST];
};

static void add(struct text *text, const char *bytes) {
  for (; *bytes != '\0' && text->length < sizeof text->bytes; bytes++) text->bytes[text->length++] = *bytes;
}

static void add_string(struct text *text, const char *string) {
  add(text, "\"");
  for (; *string != '\0'; string++) {
    char escaped[8];
    unsigned char byte = (unsigned char)*string;
    (void)snprintf(escaped, sizeof escaped, byte < 0x20 ? "\\u%04x" : byte == '"' || byte == '\\' ? "\\%c" : "%c", byte);
    add(text, escaped);
  }
  add(text, "\"");
}

static void add_key(struct text *text, const char *key) {
  if (text->length > 1) add(text, ",");
  add_string(text, key);
  add(text, ":");
}

static void add_text_field(struct text *text, const char *key, const char *value) {
  if (*value == '\0') return;
  add_key(text, key);
  add_string(text, value);
}

static void add_number_field(struct text *text, const char *key, uint32_t value) {
  char digits[16];
  if (value == 0) return;
  (void)snprintf(digits, sizeof digits, "%u", value);
  add_key(text, key);
  add(text, digits);
}

static void add_flag_field(struct text *text, const char *key, bool value) {
  if (!value) return;
  add_key(text, key);
  add(text, "true");
}

static void encode(const options_t *options, struct text *text) {
  add(text, "{");
  add_flag_field(text, "no_pivot_root", options->no_pivot_root);
  add_flag_field(text, "no_new_keyring", options->no_new_keyring);
  add_text_field(text, "shim_cgroup", options->shim_cgroup);
  add_number_field(text, "io_uid", options->io_uid);
  add_number_field(text, "io_gid", options->io_gid);
  add_text_field(text, "binary_name", options->binary_name);
  add_text_field(text, "root", options->root);
  add_flag_field(text, "systemd_cgroup", options->systemd_cgroup);
  add_text_field(text, "criu_image_path", options->criu_image_path);
  add_text_field(text, "criu_work_path", options->criu_work_path);
  add_text_field(text, "task_api_address", options->task_api_address);
  add_number_field(text, "task_api_version", options->task_api_version);
  add(text, "}");
}

int options_write(const options_t *options, const char *bundle) {
  struct text text = { .length = 0 };
  encode(options, &text);
  if (text.length == sizeof text.bytes) return -E2BIG;
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/options.json", bundle);
  int error = write_file(path, text.bytes, text.length, 0600);
  (void)snprintf(path, sizeof path, "%s/runtime", bundle);
  return error < 0 ? error : write_file(path, options->binary_name, strlen(options->binary_name), 0600);
}

static void set_text(char **field, const struct json_value *value) {
  char *copy = json_copy(value);
  if (copy == NULL) return;
  if (*field != protobuf_c_empty_string) free(*field);
  *field = copy;
}

static void visit(struct json *json, const struct json_value *value) {
  options_t *options = json->context;
  if (json_at(json, 1, "binary_name")) set_text(&options->binary_name, value);
  if (json_at(json, 1, "root")) set_text(&options->root, value);
  if (json_at(json, 1, "systemd_cgroup")) options->systemd_cgroup = value->kind == JSON_BOOLEAN && value->truth;
}

bool options_read(options_t **options, const char *bundle, struct failure *failure) {
  if (!options_unpack(options, NULL, failure)) return false;
  struct json json = { .visit = visit, .context = *options };
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/options.json", bundle);
  return json_read_file(&json, path, 0, OPTIONS_MOST, failure) || failure->code == NOT_FOUND;
}
