#ifndef BERTH_VM_FRAME_H
#define BERTH_VM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What goes through the virtio-serial port, both ways: a head of three little-endian words, then `size` bytes.
 * The host has the same in lab/agent.ts.
 */
enum { FRAME_MAX = 32768 };

enum frame_kind {
  RUN = 1,       /* strings, each ended by 0: directory, number of settings, NAME=VALUE…, program, arguments… */
  INPUT = 2,     /* bytes for its standard input; the next one only after TAKEN. None: the input has ended */
  KILL = 3,      /* SIGKILL for the command's process group */
  READY = 16,    /* the agent is there */
  STDOUT = 17,
  STDERR = 18,
  TAKEN = 19,    /* the last INPUT went to the command, or it does not read any more */
  ENDED = 20,    /* one word: the exit code, or 128 + the signal. What it wrote was sent before */
};

struct frame {
  uint32_t size, command, kind;
};

/* Both wait until all is through; false when the other side is gone. */
bool frame_read(int port, struct frame *frame, uint8_t payload[FRAME_MAX]);
bool frame_write(int port, uint32_t command, enum frame_kind kind, const void *payload, size_t size);

#endif
