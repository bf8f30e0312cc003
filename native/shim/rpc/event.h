#ifndef BERTH_RPC_EVENT_H
#define BERTH_RPC_EVENT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An event that the daemon has not been told yet, as the request that tells it. */
struct event {
  struct event *next;
  unsigned failures;
  bool is_exit; /* the last that is given up when there is no room */
  char *topic;
  size_t size;
  uint8_t request[];
};

enum { EVENT_MAX = 256 << 10 };

/* Encodes Events.Forward of an event that happened now, to be freed by free(); NULL without memory, or past EVENT_MAX. */
struct event *event_encode(const char *namespace, const char *topic, const ProtobufCMessage *message);

size_t event_cost(const struct event *event);

/* The events that wait, in order, bounded in number (2048) and bytes (2 MiB). Zeroed, it is empty. */
struct event_queue {
  struct event *first, *last;
  unsigned count;
  size_t cost;
};

/*
 * Adds at the end. The event that had to be given up for it (the oldest that is no exit, else the oldest; never the first,
 * which may be on its way) is taken out and returned; there is none as long as there is room.
 */
struct event *event_queue_add(struct event_queue *queue, struct event *event);
struct event *event_queue_take(struct event_queue *queue);

#endif
