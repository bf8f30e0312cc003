#ifndef BERTH_VM_COMMAND_H
#define BERTH_VM_COMMAND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"

/* A program that the host had started: a session of its own, with pipes for its three streams. */
struct command {
  bool used;
  uint32_t id;
  pid_t pid;
  int in, out, err; /* -1 when closed */
  int status;
  size_t start, end; /* of what is still to be written to `in` */
  uint8_t input[FRAME_MAX];
};

/* Starts what a RUN frame asks for. A program that cannot be run says so on its stderr and ends with 127; -errno else. */
int command_start(struct command *command, uint32_t id, char *request, size_t size);

/* Takes an INPUT frame; it is written when poll() says so. False when the port is gone. */
bool command_take_input(struct command *command, const uint8_t *bytes, size_t size, int port);

/* Its three entries for poll(), and what to do after; each returns false when the port is gone. */
void command_wants(const struct command *command, struct pollfd polled[3]);
bool command_serve(struct command *command, const struct pollfd polled[3], int port);

/* When its process has ended: sends what it wrote, and how it ended; then the command is free. */
bool command_finish(struct command *command, int port);

#endif
