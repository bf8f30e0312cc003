/*
 * What the shim unpacks: ttrpc's request and every message within, chosen by the first byte. What passes the check has
 * strings that Go would take, too, and packs and unpacks again.
 */
#include <stdlib.h>
#include <string.h>

#include "containerd/runc/v1/options.pb-c.h"
#include "containerd/runtime/bootstrap/v1/bootstrap.pb-c.h"
#include "containerd/task/v3/shim.pb-c.h"
#include "google/protobuf/any.pb-c.h"
#include "shim/rpc/arena.h"
#include "shim/rpc/request.h"
#include "shim/rpc/wire.h"

#define TASK(name) &containerd__task__v3__##name##_request__descriptor

enum { ARENA = 1 << 20 };

static const ProtobufCMessageDescriptor *const types[] = {
  TASK(create_task),
  TASK(exec_process),
  TASK(update_task),
  TASK(checkpoint_task),
  TASK(state),
  TASK(start),
  TASK(delete),
  TASK(kill),
  TASK(wait),
  TASK(pids),
  TASK(stats),
  TASK(connect),
  TASK(shutdown),
  TASK(resize_pty),
  &containerd__task__v3__close_iorequest__descriptor,
  TASK(pause),
  TASK(resume),
  &containerd__runtime__bootstrap__v1__bootstrap_params__descriptor,
  &containerd__runc__v1__options__descriptor,
  &google__protobuf__any__descriptor,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_request(const uint8_t *data, size_t size) {
  struct request request;
  if (!request_decode(&request, data, size)) return;
  if (!utf8_is_valid((const uint8_t *)request.service, request.service_size)) abort();
  if (request.payload_size > size) abort();
}

static void unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size) {
  struct arena arena;
  if (wire_check(type, data, size) != NULL) return;
  arena_open(&arena, ARENA);
  ProtobufCMessage *message = protobuf_c_message_unpack(type, &arena.allocator, size, data);
  uint8_t *packed = message == NULL ? NULL : malloc(protobuf_c_message_get_packed_size(message) + 1);
  if (packed != NULL) {
    size_t length = protobuf_c_message_pack(message, packed);
    if (wire_check(type, packed, length) != NULL) abort();
  }
  free(packed);
  arena_close(&arena);
}

static void mend(const uint8_t *data, size_t size) {
  char *text = strndup((const char *)data, size);
  if (text == NULL) return;
  utf8_mend(text);
  if (!utf8_is_valid((const uint8_t *)text, strlen(text))) abort();
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  size_t kind = data[0] % (sizeof types / sizeof *types + 2);
  if (kind == 0) decode_request(data + 1, size - 1);
  else if (kind == 1) mend(data + 1, size - 1);
  else unpack(types[kind - 2], data + 1, size - 1);
  return 0;
}
