#include "shim/rpc/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  READ_AT_ONCE = 16 << 10,
  READS_A_TURN = 8, /* then others have their turn */
  UNREAD_PAUSE = 256 << 10,
  UNREAD_MAX = 16 << 20,
  UNREAD_MAX_OF_ALL = 64 << 20,
};

/* It is freed in the loop's next turn, not here: whoever answers a call need not expect it to vanish under them. */
static void break_off(struct connection *connection) {
  connection->broken = true;
  (void)shutdown(connection->source.fd, SHUT_RDWR);
}

void connection_adjust(struct connection *connection) {
  bool pause = connection->output.held > UNREAD_PAUSE || connection->server->listener.fd < 0;
  uint32_t events = (pause ? 0 : EPOLLIN) | (connection->output.first != NULL ? EPOLLOUT : 0);
  loop_change(connection->server->loop, &connection->source, events);
}

static void note_output(struct connection *connection, size_t before, int error) {
  struct server *server = connection->server;
  server->unsent += connection->output.held - before;
  bool too_much = connection->output.held > UNREAD_MAX || server->unsent > UNREAD_MAX_OF_ALL;
  if (error < 0 || too_much) break_off(connection);
}

void connection_send(struct connection *connection, struct outgoing *frame) {
  if (connection->broken || frame == NULL) {
    free(frame);
    if (!connection->broken) break_off(connection);
    return;
  }
  size_t before = connection->output.held;
  note_output(connection, before, output_add(&connection->output, connection->source.fd, frame));
  connection_adjust(connection);
}

void connection_flush(struct connection *connection) {
  size_t before = connection->output.held;
  note_output(connection, before, output_send(&connection->output, connection->source.fd));
  connection_adjust(connection);
}

static void take_all(struct connection *connection, const uint8_t *bytes, size_t size) {
  struct frame frame;
  while (!connection->broken && frame_reader_next(&connection->reader, &bytes, &size, &frame))
    connection_take(connection, &frame);
}

/* The rest of a long payload goes where it belongs; all else through a buffer, many frames at once. */
static ssize_t read_some(struct connection *connection) {
  uint8_t buffer[READ_AT_ONCE];
  size_t space;
  uint8_t *place = frame_reader_space(&connection->reader, &space);
  if (place == NULL || space < sizeof buffer) {
    ssize_t count = recv(connection->source.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) take_all(connection, buffer, (size_t)count);
    return count;
  }
  ssize_t count = recv(connection->source.fd, place, space, MSG_DONTWAIT);
  struct frame frame;
  if (count > 0 && frame_reader_filled(&connection->reader, (size_t)count, &frame)) connection_take(connection, &frame);
  return count;
}

/* As with containerd's server, a client that ends its side is gone, whatever it still waits for. */
static void read_requests(struct connection *connection) {
  for (int reads = 0; reads < READS_A_TURN && !connection->broken; reads++) {
    if ((connection->source.events & EPOLLIN) == 0) return;
    ssize_t count = read_some(connection);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) connection->broken = true;
  }
}

static void ready(struct source *source, uint32_t events) {
  struct connection *connection = holder_of(source, struct connection, source);
  bool paused = (source->events & EPOLLIN) == 0;
  if (events & EPOLLOUT) connection_flush(connection);
  if (paused && (events & (EPOLLHUP | EPOLLERR))) connection->broken = true;
  if (!connection->broken && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) read_requests(connection);
  if (connection->broken) connection_close(connection);
}

int connection_open(struct server *server, int socket) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) {
    close(socket);
    return -ENOMEM;
  }
  connection->server = server;
  connection->reader.budget = &server->incoming;
  connection->source = (struct source){ .fd = socket, .events = EPOLLIN, .ready = ready };
  int result = loop_add(server->loop, &connection->source);
  if (result < 0) {
    close(socket);
    free(connection);
    return result;
  }
  connection->next = server->connections;
  if (connection->next != NULL) connection->next->previous = connection;
  server->connections = connection;
  server->connection_count++;
  return 0;
}

static void unlink_connection(struct connection *connection) {
  struct server *server = connection->server;
  if (connection->previous != NULL) connection->previous->next = connection->next;
  else server->connections = connection->next;
  if (connection->next != NULL) connection->next->previous = connection->previous;
  server->connection_count--;
}

void connection_close(struct connection *connection) {
  connection->broken = true;
  unlink_connection(connection);
  loop_remove(connection->server->loop, &connection->source);
  close(connection->source.fd);
  frame_reader_close(&connection->reader);
  connection->server->unsent -= connection->output.held;
  output_clear(&connection->output);
  while (connection->calls != NULL) call_abandon(connection->calls);
  free(connection);
}
