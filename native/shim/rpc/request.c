#include "shim/rpc/request.h"

#include "shim/rpc/wire.h"

static bool take_text(const struct wire_field *field, const char **text, size_t *size) {
  *text = (const char *)field->bytes;
  *size = field->size;
  return utf8_is_valid(field->bytes, field->size);
}

/* A field of another type than it should be is one that is not known, as everywhere in protobuf. */
static bool take_field(struct request *request, const struct wire_field *field) {
  if (field->number == 4 && field->type == WIRE_VARINT) request->timeout_nano = (int64_t)field->value;
  if (field->type != WIRE_BYTES) return true;
  if (field->number == 1) return take_text(field, &request->service, &request->service_size);
  if (field->number == 2) return take_text(field, &request->method, &request->method_size);
  if (field->number == 3) {
    request->payload = field->bytes;
    request->payload_size = field->size;
  }
  return true;
}

bool request_decode(struct request *request, const uint8_t *bytes, size_t size) {
  if (size == 0) bytes = (const uint8_t *)"";
  *request = (struct request){ .service = "", .method = "", .payload = bytes };
  struct wire wire = { bytes, bytes + size };
  struct wire_field field;
  int next;
  while ((next = wire_next(&wire, &field)) > 0)
    if (!take_field(request, &field)) return false;
  return next == 0;
}
