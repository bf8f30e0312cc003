#ifndef BERTH_RPC_PUBLISHER_H
#define BERTH_RPC_PUBLISHER_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

/*
 * Tells the daemon what happened, in the order in which it happened, by Events.Forward on its ttrpc socket. It connects
 * with the first event and stays connected; an idle publisher is one descriptor and no memory, a connected one learns at
 * once when the daemon goes, and connects anew, to the same path, with the next event.
 */
struct publisher;

struct publisher_options {
  const char *address; /* a socket's path, with or without unix:// ($TTRPC_ADDRESS); "" for no daemon */
  const char *namespace;
  void (*dropped)(void *context, const char *topic, const char *why); /* an event was given up; for the shim's log */
  void *context;
};

/* 0 or -errno. Copies what it is given. */
int publisher_open(struct publisher **publisher, struct loop *loop, const struct publisher_options *options);

/* Queues an event (encoded before this returns), stamped with now. Never fails, never blocks. */
void publisher_publish(struct publisher *publisher, const char *topic, const void *event);

/* Calls `drained` once, in a later turn, when the queue is empty or after timeout_ms. */
void publisher_drain(struct publisher *publisher, int timeout_ms, void (*drained)(void *), void *context);

void publisher_close(struct publisher *publisher);

#endif
