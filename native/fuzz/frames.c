/* The reader of frames, given the input in pieces of the sizes that its first bytes say: nothing is lost or made up. */
#include <stdlib.h>

#include "shim/rpc/frame.h"

enum { BUDGET = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct frame *frame) {
  if (!frame->skipped && frame->length > 0 && frame->payload == NULL) abort();
  if (!frame->skipped && frame->length > FRAME_MAX) abort();
  for (size_t i = 0; frame->payload != NULL && i < frame->length; i++) (void)*(volatile uint8_t *)&frame->payload[i];
  free(frame->payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  const uint8_t *steps = data;
  struct frame_budget budget = { BUDGET };
  struct frame_reader reader = { .budget = &budget };
  struct frame frame;
  data += 4;
  size -= 4;
  for (unsigned turn = 0; size > 0; turn++) {
    size_t piece = 1 + steps[turn % 4];
    if (piece > size) piece = size;
    const uint8_t *bytes = data;
    size_t left = piece;
    while (frame_reader_next(&reader, &bytes, &left, &frame)) check(&frame);
    if (left != 0 || bytes != data + piece) abort();
    data += piece;
    size -= piece;
  }
  frame_reader_close(&reader);
  return budget.left == BUDGET ? 0 : (abort(), 0);
}
