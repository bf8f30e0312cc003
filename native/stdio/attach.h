#ifndef BERTH_STDIO_ATTACH_H
#define BERTH_STDIO_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "input.h"
#include "log.h"

enum { MAX_CLIENTS = 64 };

/*
 * The socket on which clients attach to the streams. A client that has gone is dropped; one that is slow holds the
 * streams back, so that nobody loses anything, unless that is not wanted.
 */
struct attach {
  struct loop *loop;
  struct watch listener;
  int directory; /* of the socket, to remove it at the end; the path may be longer than a socket address */
  char *path;
  const char *name; /* the last part of the path */
  struct input *input;
  struct log *log;
  void *owner;
  void (*changed)(void *owner); /* after each event, which may have changed what is to be waited for */
  bool stdin_once; /* the end of any client's stdin ends the process's */
  bool has_limit;  /* a client that takes nothing for long is dropped, not only at the end */
  size_t loses;    /* room for what a client has not read, which holds nobody back; 0: it holds the streams back */
  bool abandoned;  /* a client has asked to give up if no process has come */
  bool ending;
  int64_t accept_after;
  size_t count;
  struct client *clients;
};

/*
 * Listens on the path, for root and our own user only; a NULL path is for nobody. The rest is filled in by the caller
 * before. 0 or -errno; -EADDRINUSE when something is there already.
 */
int attach_open(struct attach *attach, const char *path);

/* Bytes of the stream that every client can take; SIZE_MAX when nobody wants it. */
size_t attach_room(const struct attach *attach, enum stream stream);

/* Gives bytes, at most attach_room(), to every client that wants the stream. */
void attach_deliver(struct attach *attach, enum stream stream, const unsigned char *bytes, size_t length);

/* Lets go of clients that are done or overdue, and waits for the others; returns in how many ms to call again, or -1. */
int attach_tick(struct attach *attach, int64_t now);

/* The streams have ended: takes no more clients, removes the socket and lets the clients take what is left. */
void attach_end(struct attach *attach, int64_t now);

/* True when every client has got everything, or was given up. */
bool attach_is_over(const struct attach *attach);

/* Gives memory back that holds nothing now. */
void attach_rest(struct attach *attach);

/* Lets go of the watchers, and of whoever else is left. */
void attach_close(struct attach *attach);

#endif
