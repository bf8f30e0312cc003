#ifndef BERTH_RPC_OUTPUT_H
#define BERTH_RPC_OUTPUT_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

/* A frame that is to be sent. */
struct outgoing {
  struct outgoing *next;
  size_t size, sent;
  uint8_t bytes[];
};

/* The frames that a socket has not taken yet, in order. Zeroed, it is empty. */
struct output {
  struct outgoing *first, *last;
  size_t held; /* what they cost */
};

/* A frame with room for `length` bytes of payload after its header; NULL without memory. */
struct outgoing *outgoing_frame(uint32_t stream, int type, size_t length);

/* Response frames; NULL without memory. One that is too long for ttrpc becomes a failure that says so. */
struct outgoing *outgoing_answer(uint32_t stream, const ProtobufCMessage *message);
struct outgoing *outgoing_failure(uint32_t stream, enum failure_code code, const char *text);

/* Queues the frame, which it owns from now on, and sends what can be sent now. 0, or -errno when the peer has gone. */
int output_add(struct output *output, int socket, struct outgoing *frame);
int output_send(struct output *output, int socket);
void output_clear(struct output *output);

#endif
