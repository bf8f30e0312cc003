#include "shim/rpc/server.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/rpc/connection.h"

enum { CONNECTIONS_MAX = 1024, INCOMING_MAX = 32 << 20, ACCEPTS_A_TURN = 16, REST_MS = 100 };

static bool is_owner(const struct server *server, int socket) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == server->owner;
}

static void admit(struct server *server, int socket) {
  if (server->connection_count < CONNECTIONS_MAX && is_owner(server, socket)) (void)connection_open(server, socket);
  else close(socket);
}

/* Without descriptors or memory the listener would stay ready for ever: it rests a while. */
static void rest(struct server *server) {
  loop_remove(server->loop, &server->listener);
  timer_set(server->loop, &server->rest, REST_MS);
}

static void accept_again(struct timer *timer) {
  struct server *server = holder_of(timer, struct server, rest);
  if (loop_add(server->loop, &server->listener) < 0) timer_set(server->loop, timer, REST_MS);
}

static void accept_some(struct source *source, uint32_t events) {
  (void)events;
  struct server *server = holder_of(source, struct server, listener);
  for (int i = 0; i < ACCEPTS_A_TURN; i++) {
    int socket = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0) admit(server, socket);
    else if (errno == EINTR || errno == ECONNABORTED) continue;
    else if (errno == EAGAIN) return;
    else return rest(server);
  }
}

int server_open(struct server *server, struct loop *loop, const struct server_options *options) {
  *server = (struct server){ .loop = loop, .owner = options->owner, .services = options->services };
  server->service_count = options->service_count;
  server->context = options->context;
  server->incoming.left = INCOMING_MAX;
  server->rest.due = accept_again;
  server->listener = (struct source){ .fd = options->listener, .events = EPOLLIN, .ready = accept_some };
  return loop_add(loop, &server->listener);
}

void server_stop(struct server *server) {
  if (server->listener.fd < 0) return;
  timer_clear(server->loop, &server->rest);
  loop_remove(server->loop, &server->listener);
  close(server->listener.fd);
  server->listener.fd = -1;
  for (struct connection *each = server->connections; each != NULL; each = each->next) connection_adjust(each);
}

void server_close(struct server *server) {
  server_stop(server);
  while (server->connections != NULL) {
    connection_flush(server->connections);
    connection_close(server->connections);
  }
}

bool server_is_busy(const struct server *server) {
  for (const struct connection *each = server->connections; each != NULL; each = each->next)
    if (!each->broken && (each->call_count > 0 || each->output.first != NULL)) return true;
  return false;
}
