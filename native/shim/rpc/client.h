#ifndef BERTH_RPC_CLIENT_H
#define BERTH_RPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/loop.h"
#include "shim/rpc/frame.h"
#include "shim/rpc/output.h"

/* One ttrpc connection to a server, with one call in flight at a time. */
struct rpc_client {
  void (*answered)(struct rpc_client *client, const struct failure *failure); /* NULL: the call succeeded */
  void (*lost)(struct rpc_client *client, bool waited); /* the server has gone, and with it the call; it is closed already */

  /* the rest is the client's */
  struct loop *loop;
  struct source source; /* fd < 0: not connected */
  struct frame_reader reader;
  struct frame_budget incoming;
  struct output output;
  uint32_t stream; /* of the newest call */
  bool is_waiting;
};

/* Before anything else; connects nothing. */
void rpc_client_open(struct rpc_client *client, struct loop *loop);

/* 0 or -errno. A server that accepts nobody for the moment is -EAGAIN. */
int rpc_client_connect(struct rpc_client *client, const char *path);
bool rpc_client_is_connected(const struct rpc_client *client);

/* Calls with an encoded ttrpc.Request. 0, or -errno when the server has gone (then rpc_client_close() it). */
int rpc_client_call(struct rpc_client *client, const uint8_t *request, size_t size);

void rpc_client_close(struct rpc_client *client);

#endif
