#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "json.h"
#include "spec.h"

static void check_object(struct json *json, const struct json_value *value) {
  bool *is_object = json->context;
  if (json->depth == 0 && value->kind == JSON_OBJECT) *is_object = true;
}

bool spec_is_object(const char *json, size_t length) {
  bool is_object = false;
  struct json reader = { .visit = check_object, .context = &is_object };
  return json_read(&reader, json, length) && is_object;
}

/* Writes what it reads, but for one member of the outermost object. */
struct copier {
  yajl_gen gen;
  unsigned depth;
  bool skips; /* the value that comes, or is open, belongs to that member */
  bool terminal;
};

/* Whether a value is to be written; the end of a skipped one. */
static bool is_kept(struct copier *copier) {
  if (!copier->skips) return true;
  if (copier->depth == 1) copier->skips = false;
  return false;
}

/* Outside of the object there is nothing to copy. */
#define COPY(copier, call) ((copier)->depth == 0 ? 0 : is_kept(copier) ? (call) == yajl_gen_status_ok : 1)

static int on_null(void *at) { return COPY((struct copier *)at, yajl_gen_null(((struct copier *)at)->gen)); }
static int on_boolean(void *at, int truth) {
  return COPY((struct copier *)at, yajl_gen_bool(((struct copier *)at)->gen, truth));
}
static int on_number(void *at, const char *text, size_t length) {
  return COPY((struct copier *)at, yajl_gen_number(((struct copier *)at)->gen, text, length));
}
static int on_string(void *at, const unsigned char *text, size_t length) {
  return COPY((struct copier *)at, yajl_gen_string(((struct copier *)at)->gen, text, length));
}

static int on_key(void *at, const unsigned char *text, size_t length) {
  struct copier *copier = at;
  if (copier->skips) return 1;
  copier->skips = copier->depth == 1 && length == 8 && memcmp(text, "terminal", 8) == 0;
  return copier->skips || yajl_gen_string(copier->gen, text, length) == yajl_gen_status_ok;
}

static int on_open(struct copier *copier, bool is_object) {
  if (copier->depth++ == JSON_DEPTH_MOST || (copier->depth == 1 && !is_object)) return 0;
  if (copier->skips) return 1;
  return (is_object ? yajl_gen_map_open(copier->gen) : yajl_gen_array_open(copier->gen)) == yajl_gen_status_ok;
}

static int on_object(void *at) { return on_open(at, true); }
static int on_array(void *at) { return on_open(at, false); }

static int on_array_end(void *at) {
  struct copier *copier = at;
  copier->depth--;
  return COPY(copier, yajl_gen_array_close(copier->gen));
}

static int on_object_end(void *at) {
  struct copier *copier = at;
  copier->depth--;
  if (copier->depth > 0) return COPY(copier, yajl_gen_map_close(copier->gen));
  return yajl_gen_string(copier->gen, (const unsigned char *)"terminal", 8) == yajl_gen_status_ok &&
         yajl_gen_bool(copier->gen, copier->terminal) == yajl_gen_status_ok &&
         yajl_gen_map_close(copier->gen) == yajl_gen_status_ok;
}

static bool copy(struct copier *copier, const char *json, size_t length) {
  static const yajl_callbacks callbacks = {
    .yajl_null = on_null,       .yajl_boolean = on_boolean, .yajl_number = on_number,
    .yajl_string = on_string,   .yajl_start_map = on_object, .yajl_map_key = on_key,
    .yajl_end_map = on_object_end, .yajl_start_array = on_array, .yajl_end_array = on_array_end,
  };
  yajl_handle parser = yajl_alloc(&callbacks, NULL, copier);
  if (parser == NULL) return false;
  bool good = yajl_parse(parser, (const unsigned char *)json, length) == yajl_status_ok &&
              yajl_complete_parse(parser) == yajl_status_ok;
  yajl_free(parser);
  return good;
}

char *spec_process(const char *json, size_t length, bool terminal, size_t *size) {
  struct copier copier = { .gen = yajl_gen_alloc(NULL), .terminal = terminal };
  if (copier.gen == NULL) return NULL;
  const unsigned char *text = NULL;
  char *copied = NULL;
  if (copy(&copier, json, length) && yajl_gen_get_buf(copier.gen, &text, size) == yajl_gen_status_ok)
    copied = malloc(*size + 1);
  if (copied != NULL) memcpy(copied, text, *size);
  yajl_gen_free(copier.gen);
  return copied;
}
