#include "attach.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

/* Milliseconds: for a hello, without progress at the end, and before trying again when descriptors are short. */
enum { HELLO_LIMIT = 5000, STUCK_LIMIT = 10000, ACCEPT_PAUSE = 1000, END_TICK = 500 };

int attach_open(struct attach *attach, const char *path) {
  for (size_t i = 0; i < MAX_CLIENTS; i++) attach->clients[i].fd = -1;
  attach->listener = -1;
  int error = listen_in_directory(path, &attach->directory, &attach->name);
  if (error < 0) return error;
  attach->listener = error;
  return 0;
}

static bool is_watcher(const struct client *client) {
  return client->state == CLIENT_OPEN && (client->flags & (WANT_STDIN | WANT_STDOUT | WANT_STDERR)) == 0;
}

size_t attach_room(const struct attach *attach, enum stream stream) {
  size_t least = SIZE_MAX;
  for (const struct client *client = attach->clients; client < attach->clients + MAX_CLIENTS; client++)
    if (client_wants(client, stream) && client_room(client) < least) least = client_room(client);
  return least;
}

void attach_deliver(struct attach *attach, enum stream stream, const unsigned char *bytes, size_t length, int64_t now) {
  for (struct client *client = attach->clients; client < attach->clients + MAX_CLIENTS; client++)
    if (client_wants(client, stream)) client_deliver(client, stream, bytes, length, now);
}

/* Whether a client's bytes are to be read now: those for stdin wait while the process does not read. */
static bool reads_from(const struct client *client, const struct input *input) {
  if (client->input_ended) return false;
  return client->state == CLIENT_HELLO || (client->flags & WANT_STDIN) == 0 || !input_is_full(input);
}

void attach_prepare(const struct attach *attach, const struct input *input, struct pollfd *polled, int64_t now) {
  for (size_t i = 0; i < MAX_CLIENTS; i++) {
    const struct client *client = &attach->clients[i];
    short events = (short)((reads_from(client, input) ? POLLIN : 0) | (client->used > 0 ? POLLOUT : 0));
    /* A client that has hung up is reported without being asked for, so it is left out while its bytes must wait. */
    bool idle = events == 0 && client->output_ended;
    polled[i] = (struct pollfd){ .fd = client->state == CLIENT_FREE || idle ? -1 : client->fd, .events = events };
  }
  polled[MAX_CLIENTS] = (struct pollfd){ .fd = now < attach->accept_after ? -1 : attach->listener, .events = POLLIN };
}

static void begin_client(struct attach *attach, int fd, int64_t now) {
  for (struct client *client = attach->clients; client < attach->clients + MAX_CLIENTS; client++) {
    if (client->state != CLIENT_FREE) continue;
    client_begin(client, fd, now);
    return;
  }
  const char busy = EBUSY;
  (void)send(fd, &busy, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  close(fd);
}

static void accept_clients(struct attach *attach, int64_t now) {
  for (;;) {
    int fd = accept_trusted(attach->listener);
    if (fd == -EACCES) continue;
    if (fd == -EAGAIN || fd == -ECONNABORTED || fd == -EINTR) return;
    if (fd < 0) {
      attach->accept_after = now + ACCEPT_PAUSE;
      return;
    }
    begin_client(attach, fd, now);
  }
}

static void read_hello(struct attach *attach, struct client *client) {
  int result = client_hello(client);
  if (result < 0) {
    const char refused = (char)-result;
    (void)send(client->fd, &refused, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    client_close(client);
  } else if (result > 0 && (client->flags & WANT_ABANDON) != 0) {
    attach->abandoned = true;
  }
}

/* Bytes of a client that feeds no stdin are read and thrown away, as are all once stdin is closed. */
static void read_client(const struct attach *attach, struct client *client, struct input *input) {
  unsigned char nothing[4096];
  bool feeds = (client->flags & WANT_STDIN) != 0;
  ssize_t count = feeds ? input_take(input, client->fd) : recv(client->fd, nothing, sizeof nothing, MSG_DONTWAIT);
  if (!feeds && count < 0) count = -errno;
  if (count > 0 || count == -EAGAIN || count == -EINTR) return;
  client->input_ended = true;
  if (feeds && (attach->stdin_once || (client->flags & WANT_ONCE) != 0)) input_close(input);
}

static void handle_client(struct attach *attach, struct client *client, struct input *input, short events, int64_t now) {
  if (client->state == CLIENT_HELLO) {
    read_hello(attach, client);
    return;
  }
  if ((events & (POLLHUP | POLLERR)) != 0) {
    client->output_ended = true;
    client->used = 0;
  } else if ((events & POLLOUT) != 0) {
    client_flush(client, now);
  }
  if ((events & (POLLIN | POLLHUP)) != 0 && reads_from(client, input)) read_client(attach, client, input);
}

static bool is_done(const struct client *client) {
  return client->state == CLIENT_OPEN && client->input_ended && client->output_ended;
}

void attach_handle(struct attach *attach, struct input *input, const struct pollfd *polled, int64_t now) {
  for (size_t i = 0; i < MAX_CLIENTS; i++) {
    struct client *client = &attach->clients[i];
    if (polled[i].fd >= 0 && polled[i].revents != 0) handle_client(attach, client, input, polled[i].revents, now);
  }
  if (polled[MAX_CLIENTS].revents != 0) accept_clients(attach, now);
}

int attach_tick(struct attach *attach, int64_t now) {
  int next = -1;
  for (struct client *client = attach->clients; client < attach->clients + MAX_CLIENTS; client++) {
    bool greeting = client->state == CLIENT_HELLO;
    if (attach->ending && client->state == CLIENT_OPEN && !is_watcher(client)) client_end_output(client, now);
    if (is_done(client)) client_close(client);
    if (client->state == CLIENT_FREE || (!greeting && (!attach->ending || is_watcher(client)))) continue;
    if (greeting ? now - client->progress_at >= HELLO_LIMIT : client_is_stuck(client, now, STUCK_LIMIT))
      client_close(client);
    else
      next = END_TICK;
  }
  if (attach->accept_after > now && next < 0) next = ACCEPT_PAUSE;
  return next;
}

void attach_end(struct attach *attach, int64_t now) {
  attach->ending = true;
  unlinkat(attach->directory, attach->name, 0);
  close(attach->listener);
  attach->listener = -1;
  for (struct client *client = attach->clients; client < attach->clients + MAX_CLIENTS; client++) {
    client->progress_at = now;
    if (client->state == CLIENT_HELLO) client_close(client);
  }
}

bool attach_is_over(const struct attach *attach) {
  for (const struct client *client = attach->clients; client < attach->clients + MAX_CLIENTS; client++)
    if (client->state != CLIENT_FREE && !is_watcher(client)) return false;
  return true;
}

void attach_close(struct attach *attach) {
  for (struct client *client = attach->clients; client < attach->clients + MAX_CLIENTS; client++)
    if (client->state != CLIENT_FREE) client_close(client);
  close(attach->directory);
}
