#ifndef BERTH_RPC_FRAME_H
#define BERTH_RPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ttrpc's frames: payload length and stream id (32 bit, big-endian), type, flags, then the payload. */
enum { FRAME_HEADER = 10, FRAME_MAX = 4 << 20 };

enum frame_type { FRAME_REQUEST = 1, FRAME_RESPONSE = 2, FRAME_DATA = 3 };

enum frame_flags { FRAME_REMOTE_CLOSED = 1, FRAME_REMOTE_OPEN = 2, FRAME_NO_DATA = 4 };

struct frame {
  uint32_t length, stream;
  uint8_t type, flags;
  bool skipped; /* it was longer than FRAME_MAX or than memory allows, and its payload was passed over */
  uint8_t *payload; /* from malloc(), the taker's; NULL where length is 0 or it was skipped */
};

/* How much all readers that share it may hold in unfinished payloads; small ones are always held. */
enum { FRAME_SMALL = 64 << 10 };
struct frame_budget {
  size_t left;
};

/* Cuts bytes into frames, and holds at most one that is unfinished. Zeroed, with its budget, it is open. */
struct frame_reader {
  struct frame_budget *budget;
  uint8_t header[FRAME_HEADER];
  uint8_t header_size;
  size_t taken; /* of the payload */
  bool charged; /* to the budget */
  struct frame frame;
};

/* Takes bytes until one frame is whole: true, and the frame is the caller's. False: all bytes were taken. */
bool frame_reader_next(struct frame_reader *reader, const uint8_t **bytes, size_t *size, struct frame *frame);

/*
 * Where the rest of a payload may be read to directly, and how much of it is missing; NULL unless within a payload that
 * is held. Tell what was read there by frame_reader_filled(), which is true when that completes the frame.
 */
uint8_t *frame_reader_space(struct frame_reader *reader, size_t *size);
bool frame_reader_filled(struct frame_reader *reader, size_t size, struct frame *frame);

/* Forgets what is unfinished. */
void frame_reader_close(struct frame_reader *reader);

void frame_header(uint8_t header[FRAME_HEADER], uint32_t length, uint32_t stream, enum frame_type type);

#endif
