#include "frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool read_all(int port, void *into, size_t size) {
  for (size_t got = 0; got < size;) {
    ssize_t count = read(port, (uint8_t *)into + got, size - got);
    if (count == 0 || (count < 0 && errno != EINTR)) return false;
    if (count > 0) got += (size_t)count;
  }
  return true;
}

bool frame_read(int port, struct frame *frame, uint8_t payload[FRAME_MAX]) {
  return read_all(port, frame, sizeof *frame) && frame->size <= FRAME_MAX && read_all(port, payload, frame->size);
}

/* In one piece: the driver takes each write as a buffer of its own. */
bool frame_write(int port, uint32_t command, enum frame_kind kind, const void *payload, size_t size) {
  uint8_t bytes[sizeof(struct frame) + FRAME_MAX];
  struct frame frame = {.size = (uint32_t)size, .command = command, .kind = kind};
  memcpy(bytes, &frame, sizeof frame);
  if (size > 0) memcpy(bytes + sizeof frame, payload, size);
  for (size_t sent = 0; sent < sizeof frame + size;) {
    ssize_t count = write(port, bytes + sent, sizeof frame + size - sent);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) sent += (size_t)count;
  }
  return true;
}
