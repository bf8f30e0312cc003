#include "attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

/* How many more than may attach are heard, so that they learn why they may not. */
enum { GREETED = 16 };

/* Milliseconds: for a hello, without progress at the end, and before trying again when descriptors are short. */
enum { HELLO_LIMIT = 5000, STUCK_LIMIT = 10000, ACCEPT_PAUSE = 1000, END_TICK = 500 };

size_t attach_room(const struct attach *attach, enum stream stream) {
  size_t least = SIZE_MAX;
  for (const struct client *client = attach->clients; client != NULL; client = client->next)
    if (client_wants(client, stream) && client_room(client) < least) least = client_room(client);
  return least;
}

void attach_deliver(struct attach *attach, enum stream stream, const unsigned char *bytes, size_t length) {
  for (struct client *client = attach->clients; client != NULL; client = client->next)
    if (client_wants(client, stream)) client_deliver(client, stream, bytes, length, attach->loop->now);
}

static void drop_client(struct attach *attach, struct client *client) {
  struct client **place = &attach->clients;
  while (*place != client) place = &(*place)->next;
  *place = client->next;
  attach->count--;
  client_free(client);
}

/* Whether a client's bytes are to be read now: those for stdin wait while the process does not read. */
static bool reads_from(const struct attach *attach, const struct client *client) {
  if (client->input_ended) return false;
  return client->state == CLIENT_HELLO || (client->flags & WANT_STDIN) == 0 || !input_is_full(attach->input);
}

/* Bytes of a client that feeds no stdin are read and thrown away, as are all once stdin is closed. */
static void read_client(struct attach *attach, struct client *client) {
  unsigned char nothing[4096];
  int fd = client->watch.source.fd;
  bool feeds = (client->flags & WANT_STDIN) != 0;
  ssize_t count = feeds ? input_take(attach->input, fd) : recv(fd, nothing, sizeof nothing, MSG_DONTWAIT);
  if (!feeds && count < 0) count = -errno;
  if (count > 0 || count == -EAGAIN || count == -EINTR) return;
  client->input_ended = true;
  if (feeds && (attach->stdin_once || (client->flags & WANT_ONCE) != 0)) input_close(attach->input);
}

static size_t count_open(const struct attach *attach) {
  size_t count = 0;
  for (const struct client *client = attach->clients; client != NULL; client = client->next)
    if (client->state == CLIENT_OPEN) count++;
  return count;
}

/* What a client that has said what it wants is answered. */
static int admit(struct attach *attach, struct client *client) {
  if ((client->flags & WANT_REOPEN) != 0) return log_reopen(attach->log);
  return count_open(attach) < MAX_CLIENTS ? client_open(client, attach->loses) : -EBUSY;
}

static void greet_client(struct attach *attach, struct client *client) {
  int result = client_hello(client);
  if (result == 0) return;
  bool reopens = result > 0 && (client->flags & WANT_REOPEN) != 0;
  if (result > 0) result = admit(attach, client);
  if (result == 0 && (client->flags & WANT_ABANDON) != 0) attach->abandoned = true;
  if (result == 0 && !reopens) return;
  client_refuse(client, result);
  drop_client(attach, client);
}

static void use_client(struct attach *attach, struct client *client, uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    client->output_ended = true;
    client->used = 0;
  } else if ((events & EPOLLOUT) != 0) {
    client_flush(client, attach->loop->now);
  }
  if ((events & (EPOLLIN | EPOLLHUP)) != 0 && reads_from(attach, client)) read_client(attach, client);
}

static void client_ready(struct source *source, uint32_t events) {
  struct client *client = holder_of(source, struct client, watch.source);
  struct attach *attach = client->owner;
  if (client->state == CLIENT_HELLO) greet_client(attach, client);
  else use_client(attach, client, events);
  attach->changed(attach->owner);
}

static void begin_client(struct attach *attach, int fd) {
  struct client *client = NULL;
  if (attach->count < MAX_CLIENTS + GREETED) client = client_new(attach->loop, fd, attach, client_ready, attach->loop->now);
  if (client == NULL) {
    const char busy = EBUSY;
    (void)send(fd, &busy, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    return;
  }
  client->next = attach->clients;
  attach->clients = client;
  attach->count++;
}

static void accept_clients(struct source *source, uint32_t events) {
  (void)events;
  struct attach *attach = holder_of(source, struct attach, listener.source);
  int fd;
  while ((fd = accept_trusted(source->fd)) >= 0 || fd == -EACCES)
    if (fd >= 0) begin_client(attach, fd);
  if (fd != -EAGAIN && fd != -ECONNABORTED && fd != -EINTR) attach->accept_after = attach->loop->now + ACCEPT_PAUSE;
  attach->changed(attach->owner);
}

int attach_open(struct attach *attach, const char *path) {
  attach->directory = -1;
  watch_begin(&attach->listener, attach->loop, -1, accept_clients);
  if (path == NULL) return 0;
  attach->path = strdup(path);
  if (attach->path == NULL) return -ENOMEM;
  int fd = listen_in_directory(attach->path, &attach->directory, &attach->name);
  if (fd < 0) return fd;
  attach->listener.source.fd = fd;
  return 0;
}

static bool is_done(const struct client *client) {
  return client->state == CLIENT_OPEN && client->input_ended && client->output_ended;
}

/* Whether a client must show that it is alive. */
static bool is_on_the_clock(const struct attach *attach, const struct client *client) {
  if (client->state == CLIENT_HELLO) return true;
  if (client_is_watcher(client)) return false;
  return attach->ending || (attach->has_limit && client->used > 0);
}

static bool is_overdue(struct client *client, int64_t now) {
  if (client->state == CLIENT_HELLO) return now - client->progress_at >= HELLO_LIMIT;
  return client_is_stuck(client, now, STUCK_LIMIT);
}

static void wait_for(const struct attach *attach, struct client *client) {
  uint32_t events = (reads_from(attach, client) ? EPOLLIN : 0) | (client->used > 0 ? EPOLLOUT : 0);
  /* A client that is wanted for nothing now may still hang up; once it has, its bytes wait without it being asked. */
  watch_for(&client->watch, events == 0 && !client->output_ended ? EPOLLERR : events);
}

int attach_tick(struct attach *attach, int64_t now) {
  int next = -1;
  for (struct client *client = attach->clients, *following; client != NULL; client = following) {
    following = client->next;
    if (attach->ending && client->state == CLIENT_OPEN && !client_is_watcher(client)) client_end_output(client, now);
    bool counts = is_on_the_clock(attach, client);
    if (is_done(client) || (counts && is_overdue(client, now))) {
      drop_client(attach, client);
      continue;
    }
    wait_for(attach, client);
    if (counts) next = END_TICK;
  }
  bool pauses = attach->accept_after > now;
  watch_for(&attach->listener, pauses ? 0 : EPOLLIN);
  return pauses && next < 0 ? ACCEPT_PAUSE : next;
}

static void stop_listening(struct attach *attach) {
  if (attach->listener.source.fd >= 0) unlinkat(attach->directory, attach->name, 0);
  watch_end(&attach->listener);
  if (attach->directory >= 0) close(attach->directory);
  attach->directory = -1;
}

void attach_end(struct attach *attach, int64_t now) {
  attach->ending = true;
  stop_listening(attach);
  for (struct client *client = attach->clients, *following; client != NULL; client = following) {
    following = client->next;
    client->progress_at = now;
    if (client->state == CLIENT_HELLO) drop_client(attach, client);
  }
}

bool attach_is_over(const struct attach *attach) {
  for (const struct client *client = attach->clients; client != NULL; client = client->next)
    if (!client_is_watcher(client)) return false;
  return true;
}

void attach_rest(struct attach *attach) {
  for (struct client *client = attach->clients; client != NULL; client = client->next) client_rest(client);
}

void attach_close(struct attach *attach) {
  stop_listening(attach);
  while (attach->clients != NULL) drop_client(attach, attach->clients);
  free(attach->path);
  attach->path = NULL;
}
