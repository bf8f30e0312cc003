#include "shim/rpc/wire.h"

#include <string.h>

static bool get_varint(struct wire *wire, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 70 && wire->at < wire->end; shift += 7) {
    uint8_t byte = *wire->at++;
    if (shift == 63 && byte > 1) return false;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

static bool skip(struct wire *wire, size_t size) {
  if ((size_t)(wire->end - wire->at) < size) return false;
  wire->at += size;
  return true;
}

static bool get_bytes(struct wire *wire, struct wire_field *field) {
  uint64_t size;
  if (!get_varint(wire, &size) || size > (size_t)(wire->end - wire->at)) return false;
  field->bytes = wire->at;
  field->size = (size_t)size;
  return skip(wire, field->size);
}

static bool get_value(struct wire *wire, struct wire_field *field) {
  switch (field->type) {
    case WIRE_VARINT: return get_varint(wire, &field->value);
    case WIRE_FIXED64: return skip(wire, 8);
    case WIRE_BYTES: return get_bytes(wire, field);
    case WIRE_FIXED32: return skip(wire, 4);
  }
  return false;
}

int wire_next(struct wire *wire, struct wire_field *field) {
  if (wire->at == wire->end) return 0;
  uint64_t tag;
  if (!get_varint(wire, &tag) || tag >> 3 == 0 || tag >> 3 > (1 << 29) - 1) return -1;
  *field = (struct wire_field){ .number = (uint32_t)(tag >> 3), .type = (enum wire_type)(tag & 7) };
  return get_value(wire, field) ? 1 : -1;
}

size_t wire_varint_size(uint64_t value) {
  size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    size++;
  }
  return size;
}

uint8_t *wire_put_varint(uint8_t *place, uint64_t value) {
  while (value >= 0x80) {
    *place++ = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  *place++ = (uint8_t)value;
  return place;
}

static const char *check_field(const ProtobufCMessageDescriptor *type, const struct wire_field *field) {
  if (field->type != WIRE_BYTES) return NULL;
  const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, field->number);
  if (known == NULL) return NULL;
  if (known->type == PROTOBUF_C_TYPE_MESSAGE) return wire_check(known->descriptor, field->bytes, field->size);
  if (known->type != PROTOBUF_C_TYPE_STRING || field->size == 0) return NULL;
  if (!utf8_is_valid(field->bytes, field->size)) return "a string is not UTF-8";
  return memchr(field->bytes, 0, field->size) == NULL ? NULL : "a string has a NUL in it";
}

const char *wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size) {
  struct wire wire = { bytes, bytes + size };
  struct wire_field field;
  int next;
  while ((next = wire_next(&wire, &field)) > 0) {
    const char *wrong = check_field(type, &field);
    if (wrong != NULL) return wrong;
  }
  return next == 0 ? NULL : "it is malformed";
}
