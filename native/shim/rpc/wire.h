#ifndef BERTH_RPC_WIRE_H
#define BERTH_RPC_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Protobuf's encoding, field by field, over bytes that stay where they are. */
struct wire {
  const uint8_t *at, *end;
};

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_field {
  uint32_t number;
  enum wire_type type;
  uint64_t value; /* of a varint */
  const uint8_t *bytes; /* of WIRE_BYTES */
  size_t size;
};

/* The next field: 1; 0 at the end; -1 where it is malformed (groups, which nobody sends, are taken for that). */
int wire_next(struct wire *wire, struct wire_field *field);

size_t wire_varint_size(uint64_t value);
uint8_t *wire_put_varint(uint8_t *place, uint64_t value);

bool utf8_is_valid(const uint8_t *text, size_t size);

/* Puts '?' where a text is not UTF-8: a peer in Go would refuse the whole message. */
void utf8_mend(char *text);

/*
 * What protobuf-c does not look at when it unpacks: every string of the message, at any depth, is UTF-8 and has no NUL in
 * it (which would cut it short in C). NULL when all is well, or what is wrong.
 */
const char *wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size);

#endif
