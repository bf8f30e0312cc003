#include <string.h>

#include "counters.h"
#include "metrics.h"

bool reading_went(const struct reading *reading, const char *file, int error) {
  if (error >= 0 || is_gone(error)) return true;
  return fail(reading->failure, error == -ENOMEM ? RESOURCE_EXHAUSTED : INTERNAL,
              "Cannot read the counters of the cgroup: \"%s\": %s", file, strerror(-error));
}

static bool pack(const struct reading *reading, const ProtobufCMessage *message, Google__Protobuf__Any *stats) {
  size_t size = protobuf_c_message_get_packed_size(message);
  uint8_t *bytes = reading->memory->alloc(reading->memory->allocator_data, size == 0 ? 1 : size);
  if (bytes == NULL) return reading_went(reading, message->descriptor->name, -ENOMEM);
  protobuf_c_message_pack(message, bytes);
  *stats = (Google__Protobuf__Any)GOOGLE__PROTOBUF__ANY__INIT;
  stats->type_url = (char *)message->descriptor->name;
  stats->value = (ProtobufCBinaryData){ .len = size, .data = bytes };
  return true;
}

bool cgroup_stats(const struct cgroup *cgroup, ProtobufCAllocator *memory, Google__Protobuf__Any *stats,
                  struct failure *failure) {
  if (!cgroup->is_found) return fail(failure, NOT_FOUND, "Cannot read counters: the container has no cgroup");
  struct reading reading = { .directories = cgroup->directories, .memory = memory, .failure = failure };
  if (cgroup->is_unified) {
    struct v2_metrics metrics;
    return v2_read(&reading, &metrics) && pack(&reading, &metrics.metrics.base, stats);
  }
  struct v1_metrics metrics;
  return v1_read(&reading, &metrics) && pack(&reading, &metrics.metrics.base, stats);
}
