#ifndef BERTH_STDIO_CLIENT_H
#define BERTH_STDIO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

/* The flags of a client's hello: what it wants. None is a watcher, which only learns of the end. */
enum {
  WANT_STDIN = 1,
  WANT_STDOUT = 2,
  WANT_STDERR = 4,
  WANT_RAW = 8,      /* no frame headers */
  WANT_ONCE = 16,    /* the end of its stdin ends the process's */
  WANT_ABANDON = 32, /* give the streams up if no process has come yet */
  WANT_KNOWN = 63,
};

enum { HELLO_SIZE = 8, FRAME_HEADER = 8, CLIENT_BUFFER = 64 * 1024 };

enum client_state { CLIENT_FREE, CLIENT_HELLO, CLIENT_OPEN };

struct client {
  enum client_state state;
  int fd;
  uint8_t flags;
  uint8_t hello_size;
  uint8_t hello[HELLO_SIZE];
  bool input_ended;  /* it has half-closed, or gone */
  bool output_ended; /* it takes nothing more: it has gone, or all was sent and the end announced */
  int64_t progress_at;
  int unread; /* bytes in the socket that it had not taken when last looked */
  size_t start;
  size_t used;
  unsigned char *buffer; /* a ring of CLIENT_BUFFER bytes; NULL for a client without output */
};

/* Begins with a connected socket, which it owns from now on. */
void client_begin(struct client *client, int fd, int64_t now);

/* Reads the hello. 1 when it is complete and the client is open, 0 when more is to come, -errno to refuse it. */
int client_hello(struct client *client);

/* Whether it is to get this stream. */
bool client_wants(const struct client *client, enum stream stream);

/* Bytes of a stream that it can take without loss. */
size_t client_room(const struct client *client);

/* Sends or keeps bytes, which must fit its room. */
void client_deliver(struct client *client, enum stream stream, const unsigned char *bytes, size_t length, int64_t now);

/* Sends what was kept. */
void client_flush(struct client *client, int64_t now);

/* Announces the end of output when all was sent. */
void client_end_output(struct client *client, int64_t now);

/* True when it has taken nothing for `limit` milliseconds. */
bool client_is_stuck(struct client *client, int64_t now, int64_t limit);

void client_close(struct client *client);

#endif
