#include "shim/rpc/frame.h"

#include <stdlib.h>
#include <string.h>

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_big_endian(uint8_t *bytes, uint32_t value) {
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

void frame_header(uint8_t header[FRAME_HEADER], uint32_t length, uint32_t stream, enum frame_type type) {
  put_big_endian(header, length);
  put_big_endian(header + 4, stream);
  header[8] = (uint8_t)type;
  header[9] = 0;
}

/* Large payloads are charged before a byte of them has come; their memory is real only as it fills. */
static uint8_t *claim(struct frame_reader *reader, size_t length) {
  if (length > FRAME_MAX) return NULL;
  bool charge = length > FRAME_SMALL;
  if (charge && length > reader->budget->left) return NULL;
  uint8_t *payload = malloc(length);
  if (payload == NULL) return NULL;
  reader->charged = charge;
  if (charge) reader->budget->left -= length;
  return payload;
}

static void discharge(struct frame_reader *reader) {
  if (reader->charged) reader->budget->left += reader->frame.length;
  reader->charged = false;
}

static void begin(struct frame_reader *reader) {
  const uint8_t *header = reader->header;
  struct frame *frame = &reader->frame;
  *frame = (struct frame){ .length = big_endian(header), .stream = big_endian(header + 4) };
  frame->type = header[8];
  frame->flags = header[9];
  if (frame->length > 0) frame->payload = claim(reader, frame->length);
  frame->skipped = frame->length > 0 && frame->payload == NULL;
}

/* True when the frame is whole: it is handed over, and the next one may begin. */
static bool finish(struct frame_reader *reader, struct frame *frame) {
  if (reader->header_size < FRAME_HEADER || reader->taken < reader->frame.length) return false;
  discharge(reader);
  *frame = reader->frame;
  *reader = (struct frame_reader){ .budget = reader->budget };
  return true;
}

static void take_header(struct frame_reader *reader, const uint8_t **bytes, size_t *size) {
  size_t missing = FRAME_HEADER - (size_t)reader->header_size;
  size_t count = *size < missing ? *size : missing;
  memcpy(reader->header + reader->header_size, *bytes, count);
  reader->header_size += (uint8_t)count;
  *bytes += count;
  *size -= count;
  if (reader->header_size == FRAME_HEADER) begin(reader);
}

static void take_payload(struct frame_reader *reader, const uint8_t **bytes, size_t *size) {
  size_t missing = reader->frame.length - reader->taken;
  size_t count = *size < missing ? *size : missing;
  if (reader->frame.payload != NULL) memcpy(reader->frame.payload + reader->taken, *bytes, count);
  reader->taken += count;
  *bytes += count;
  *size -= count;
}

bool frame_reader_next(struct frame_reader *reader, const uint8_t **bytes, size_t *size, struct frame *frame) {
  while (*size > 0) {
    if (reader->header_size < FRAME_HEADER) take_header(reader, bytes, size);
    else take_payload(reader, bytes, size);
    if (finish(reader, frame)) return true;
  }
  return false;
}

uint8_t *frame_reader_space(struct frame_reader *reader, size_t *size) {
  if (reader->header_size < FRAME_HEADER || reader->frame.payload == NULL) return NULL;
  *size = reader->frame.length - reader->taken;
  return reader->frame.payload + reader->taken;
}

bool frame_reader_filled(struct frame_reader *reader, size_t size, struct frame *frame) {
  reader->taken += size;
  return finish(reader, frame);
}

void frame_reader_close(struct frame_reader *reader) {
  discharge(reader);
  free(reader->frame.payload);
  *reader = (struct frame_reader){ .budget = reader->budget };
}
