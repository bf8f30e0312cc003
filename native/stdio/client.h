#ifndef BERTH_STDIO_CLIENT_H
#define BERTH_STDIO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log-format.h"
#include "watch.h"

/* The flags of a client's hello: what it wants. None is a watcher, which only learns of the end. */
enum {
  WANT_STDIN = 1,
  WANT_STDOUT = 2,
  WANT_STDERR = 4,
  WANT_RAW = 8,      /* no frame headers */
  WANT_ONCE = 16,    /* the end of its stdin ends the process's */
  WANT_ABANDON = 32, /* give the streams up if no process has come yet */
  WANT_REOPEN = 64,  /* alone: open the log file anew, answer, and close */
  WANT_KNOWN = 127,
};

enum { HELLO_SIZE = 8, FRAME_HEADER = 8, CLIENT_BUFFER = 64 * 1024 };

enum client_state { CLIENT_HELLO, CLIENT_OPEN };

struct client {
  struct watch watch;
  struct client *next;
  void *owner;
  enum client_state state;
  uint8_t flags;
  uint8_t hello_size;
  uint8_t hello[HELLO_SIZE];
  bool input_ended;  /* it has half-closed, or gone */
  bool output_ended; /* it takes nothing more: it has gone, or all was sent and the end announced */
  bool loses;        /* what it has no room for is dropped and counted; it never holds the streams back */
  uint64_t dropped;
  int64_t progress_at;
  int unread; /* bytes in the socket that it had not taken when last looked */
  size_t start;
  size_t used;
  size_t size;           /* of the ring */
  unsigned char *buffer; /* a ring; NULL for a client without output */
};

/* A connected socket becomes a client, or NULL without memory. It owns the socket from now on. */
struct client *client_new(struct loop *loop, int fd, void *owner, void (*ready)(struct source *, uint32_t), int64_t now);

/* Reads the hello. 1 when it is complete and its flags are there, 0 when more is to come, -errno to refuse it. */
int client_hello(struct client *client);

/* Answers the hello; from now on it takes part. `room` is for what it has not read: with it, it loses. 0 or -errno. */
int client_open(struct client *client, size_t room);

/* Answers the hello with an errno, or 0, and nothing more. */
void client_refuse(struct client *client, int error);

/* True for one that only wants to learn of the end. */
bool client_is_watcher(const struct client *client);

/* Whether it is to get this stream. */
bool client_wants(const struct client *client, enum stream stream);

/* Bytes of a stream that it can take without loss; no limit for one that loses. */
size_t client_room(const struct client *client);

/* Sends or keeps bytes, which must fit its room. */
void client_deliver(struct client *client, enum stream stream, const unsigned char *bytes, size_t length, int64_t now);

/* Sends what was kept. */
void client_flush(struct client *client, int64_t now);

/* Announces the end of output when all was sent. */
void client_end_output(struct client *client, int64_t now);

/* True when it has taken nothing for `limit` milliseconds. */
bool client_is_stuck(struct client *client, int64_t now, int64_t limit);

/* Gives memory back that holds nothing now. */
void client_rest(struct client *client);

void client_free(struct client *client);

#endif
