#include "spec.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

enum { SPEC_MOST = 16 << 20 };

/* The first that is there counts. */
static const char *const group_annotations[] = { "io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id" };
enum { GROUP_ANNOTATIONS = 2 };

struct reader {
  struct spec *spec;
  int rank; /* of the annotation that was found */
  bool too_long, is_pid, has_path;
};

static void read_group(struct reader *reader, int rank, const struct json_value *value) {
  if (rank >= reader->rank || value->kind != JSON_STRING) return;
  reader->rank = rank;
  reader->too_long = value->length >= GROUP_SIZE || memchr(value->text, '\0', value->length) != NULL;
  if (!reader->too_long) (void)snprintf(reader->spec->group, GROUP_SIZE, "%.*s", (int)value->length, value->text);
}

static void visit(struct json *json, const struct json_value *value) {
  struct reader *reader = json->context;
  for (int rank = 0; rank < GROUP_ANNOTATIONS; rank++)
    if (json_at(json, 2, "annotations", group_annotations[rank])) read_group(reader, rank, value);
  if (json_at(json, 4, "linux", "namespaces", "[]", "type")) reader->is_pid = json_is(value, "pid");
  if (json_at(json, 4, "linux", "namespaces", "[]", "path")) reader->has_path = !json_is(value, "");
  if (!json_at(json, 3, "linux", "namespaces", "[]")) return;
  if (value->kind == JSON_OBJECT) reader->is_pid = reader->has_path = false;
  if (value->kind == JSON_OBJECT_END && reader->is_pid && !reader->has_path) reader->spec->has_own_pids = true;
}

bool spec_read(const char *bundle, struct spec *spec, struct failure *failure) {
  char path[PATH_MAX];
  *spec = (struct spec){ 0 };
  struct reader reader = { .spec = spec, .rank = GROUP_ANNOTATIONS };
  struct json json = { .visit = visit, .context = &reader };
  (void)snprintf(path, sizeof path, "%s/config.json", bundle);
  if (!json_read_file(&json, path, 0, SPEC_MOST, failure)) return false;
  return !reader.too_long ||
         fail(failure, INVALID_ARGUMENT, "Cannot group \"%s\": the annotation \"%s\" is longer than %d bytes", path,
              group_annotations[reader.rank], GROUP_SIZE - 1);
}
