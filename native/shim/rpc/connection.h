#ifndef BERTH_RPC_CONNECTION_H
#define BERTH_RPC_CONNECTION_H

#include "shim/rpc/output.h"
#include "shim/rpc/server.h"

/* One client of a server: what is half read from it, what it has not read yet, and its calls in flight. */
struct connection {
  struct server *server;
  struct connection *next, *previous;
  struct source source;
  struct frame_reader reader;
  struct output output;
  struct call *calls;
  unsigned call_count;
  uint32_t last_stream;
  bool broken; /* closed when the loop comes to it */
};

/* Serves the client on `socket`, which is owned from now on, also when this fails. 0 or -errno. */
int connection_open(struct server *server, int socket);
void connection_close(struct connection *connection);

/* Sends a frame, or queues it; NULL (no memory) breaks the connection. */
void connection_send(struct connection *connection, struct outgoing *frame);

/* Sends what can be sent now of what waits. */
void connection_flush(struct connection *connection);

/* Reads on or pauses, as the server and the unread answers ask. */
void connection_adjust(struct connection *connection);

/* What a whole frame asks is done; its payload is freed. In call.c. */
void connection_take(struct connection *connection, struct frame *frame);

/* Ends a call without an answer: nobody hears it. In call.c. */
void call_abandon(struct call *call);

#endif
