#ifndef BERTH_RPC_SERVER_H
#define BERTH_RPC_SERVER_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/failure.h"
#include "base/loop.h"
#include "shim/rpc/arena.h"
#include "shim/rpc/frame.h"

/*
 * A ttrpc server on one listening socket, for the processes of one user. It behaves as containerd's ttrpc server does to
 * everything that a client may send, and bounds what clients can make it hold:
 *
 *   connections            1024; one more is closed at once
 *   calls in flight        4096 for each connection, 16384 in all; one more is answered RESOURCE_EXHAUSTED
 *   a request              4 MiB, and 16 MiB for what it unpacks to (its arena)
 *   half-received requests 32 MiB in all; beyond it those over 64 KiB are answered RESOURCE_EXHAUSTED
 *   unread answers         from 256 KiB on, nothing more is read from that client; it is cut off at 16 MiB, and where all
 *                          clients together have 64 MiB
 *
 * Nothing here blocks. A method may answer at once or in any later turn of the loop.
 */

struct server;
struct connection;

/* One request in flight. It is answered exactly once, by call_answer() or call_fail(), which end it and its arena. */
struct call {
  void *context; /* server->context */
  struct arena arena; /* for whatever lives as long as the call; the request is in it */
  const char *service; /* "containerd.task.v3.Task", from the server's table */
  const char *method;
  /*
   * May be set by a method that answers later. Called at most once, when nobody will hear the answer: the client has
   * gone, or its deadline has passed (it has been told DEADLINE_EXCEEDED). The call still has to be ended, from within or
   * later; a call that only waits (Wait) should end then, one that changes something goes on to its end.
   */
  void (*abandoned)(struct call *call);
  void *owner; /* whatever the method needs */

  /* the rest is the server's */
  struct connection *connection; /* NULL: nobody hears the answer */
  struct server *server;
  struct call *next, *previous;
  struct timer deadline;
  uint32_t stream;
};

/* `request` is unpacked in call->arena, of the type that `request` of the table says; it lives as long as the call. */
struct method {
  const char *name;
  const ProtobufCMessageDescriptor *request;
  void (*serve)(struct call *call, const void *request);
};

/* One table of methods may stand under several names. */
struct service {
  const char *name;
  const struct method *methods;
  size_t count;
};

/* Ends the call. `response` is a protobuf-c message of the method's type, encoded before this returns. */
void call_answer(struct call *call, const void *response);
void call_fail(struct call *call, const struct failure *failure);

struct server {
  struct loop *loop;
  uid_t owner;
  const struct service *services;
  size_t service_count;
  void *context;

  /* the rest is the server's */
  struct source listener;
  struct timer rest; /* after an accept that failed for want of descriptors or memory */
  struct connection *connections;
  size_t connection_count, call_count;
  struct frame_budget incoming; /* what half-received requests may still take */
  size_t unsent; /* bytes that wait in all connections */
};

/* Serves on `listener` (listening, non-blocking, close-on-exec), which the server owns from now on. 0 or -errno. */
struct server_options {
  int listener;
  uid_t owner; /* whose processes may connect, by SO_PEERCRED */
  const struct service *services;
  size_t service_count;
  void *context; /* each call's */
};
int server_open(struct server *server, struct loop *loop, const struct server_options *options);

/* Hears no new client and no new request any more; calls in flight are still answered. */
void server_stop(struct server *server);

/*
 * Closes every connection after a last attempt to send what waits; calls in flight are abandoned. Not from within a
 * method: a method that ends the shim answers and stops the loop, and whoever ran the loop closes.
 */
void server_close(struct server *server);

/* Whether a call is in flight or an answer has not been sent yet: after server_stop(), when it is time to exit. */
bool server_is_busy(const struct server *server);

#endif
