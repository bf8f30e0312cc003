#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/rpc/status.pb-c.h"
#include "shim/rpc/frame.h"
#include "shim/rpc/output.h"
#include "shim/rpc/wire.h"

enum { STATUS_FIELD = 1 << 3 | WIRE_BYTES, PAYLOAD_FIELD = 2 << 3 | WIRE_BYTES };

struct outgoing *outgoing_frame(uint32_t stream, int type, size_t length) {
  struct outgoing *frame = malloc(sizeof *frame + FRAME_HEADER + length);
  if (frame == NULL) return NULL;
  *frame = (struct outgoing){ .size = FRAME_HEADER + length };
  frame_header(frame->bytes, (uint32_t)length, stream, type);
  return frame;
}

/* A ttrpc.Response with one field, a message; an empty one is left out, as proto3 does with empty bytes. */
static struct outgoing *respond(uint32_t stream, int field, const ProtobufCMessage *message) {
  size_t size = protobuf_c_message_get_packed_size(message);
  if (size == 0) return outgoing_frame(stream, FRAME_RESPONSE, 0);
  size_t length = 1 + wire_varint_size(size) + size;
  if (length > FRAME_MAX)
    return outgoing_failure(stream, RESOURCE_EXHAUSTED, "Cannot answer: the response is longer than 4 MiB");
  struct outgoing *frame = outgoing_frame(stream, FRAME_RESPONSE, length);
  if (frame == NULL) return NULL;
  uint8_t *place = frame->bytes + FRAME_HEADER;
  *place++ = (uint8_t)field;
  protobuf_c_message_pack(message, wire_put_varint(place, size));
  return frame;
}

struct outgoing *outgoing_answer(uint32_t stream, const ProtobufCMessage *message) {
  return respond(stream, PAYLOAD_FIELD, message);
}

struct outgoing *outgoing_failure(uint32_t stream, enum failure_code code, const char *text) {
  char mended[sizeof((struct failure *)0)->text];
  (void)snprintf(mended, sizeof mended, "%s", text);
  utf8_mend(mended);
  Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
  status.code = (int32_t)code;
  status.message = mended;
  return respond(stream, STATUS_FIELD, &status.base);
}
