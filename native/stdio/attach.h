#ifndef BERTH_STDIO_ATTACH_H
#define BERTH_STDIO_ATTACH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "input.h"

enum { MAX_CLIENTS = 64 };

/*
 * The socket on which clients attach to the streams. A client that has gone is dropped; one that is slow holds the
 * streams back, so that nobody loses anything.
 */
struct attach {
  int listener;
  int directory; /* of the socket, to remove it at the end; the path may be longer than a socket address */
  const char *name;
  bool stdin_once; /* the end of any client's stdin ends the process's */
  bool abandoned; /* a client has asked to give up if no process has come */
  bool ending;
  int64_t accept_after;
  struct client clients[MAX_CLIENTS];
};

/* Listens on PATH, for root and our own user only. -EADDRINUSE when something is there already. */
int attach_open(struct attach *attach, const char *path);

/* Bytes of the stream that every client can take; SIZE_MAX when nobody wants it. */
size_t attach_room(const struct attach *attach, enum stream stream);

/* Gives bytes, at most attach_room(), to every client that wants the stream. */
void attach_deliver(struct attach *attach, enum stream stream, const unsigned char *bytes, size_t length, int64_t now);

/* Fills one pollfd per client and one for the listener: MAX_CLIENTS + 1 in all. */
void attach_prepare(const struct attach *attach, const struct input *input, struct pollfd *polled, int64_t now);

/* Acts on what poll said. */
void attach_handle(struct attach *attach, struct input *input, const struct pollfd *polled, int64_t now);

/* Lets go of clients that are done or overdue; returns in how many milliseconds to call again, or -1. */
int attach_tick(struct attach *attach, int64_t now);

/* The streams have ended: takes no more clients, removes the socket and lets the clients take what is left. */
void attach_end(struct attach *attach, int64_t now);

/* True when every client has got everything, or was given up. */
bool attach_is_over(const struct attach *attach);

/* Lets go of the watchers, and of whoever else is left. */
void attach_close(struct attach *attach);

#endif
