/* What Node's sockets lack: who is at the other end, and unix datagrams. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "addon.h"

struct peer_request {
  int fd;
  struct bytes identity;
};

/* peerCredentials(fd, identity): pid, uid and gid go into three 32-bit numbers. */
static void read_peer(struct arguments *in, void *request) {
  struct peer_request *peer = request;
  peer->fd = take_int(in);
  peer->identity = take_bytes(in);
}

static int run_peer(void *request) {
  const struct peer_request *peer = request;
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (peer->identity.length != sizeof credentials) return -EINVAL;
  if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -errno;
  memcpy(peer->identity.data, &credentials, sizeof credentials);
  return 0;
}

struct datagram_request {
  struct bytes name;
  struct bytes message;
};

/* sendDatagram(name, message): a name that starts with NUL is an abstract one. Never waits. */
static void read_datagram(struct arguments *in, void *request) {
  struct datagram_request *datagram = request;
  datagram->name = take_bytes(in);
  datagram->message = take_bytes(in);
}

static int run_datagram(void *request) {
  const struct datagram_request *datagram = request;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (datagram->name.length == 0 || datagram->name.length >= sizeof address.sun_path) return -EINVAL;
  memcpy(address.sun_path, datagram->name.data, datagram->name.length);
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + datagram->name.length);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  const struct bytes *message = &datagram->message;
  ssize_t sent = sendto(fd, message->data, message->length, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
  int result = sent < 0 ? -errno : 0;
  close(fd);
  return result;
}

const struct operation socket_operations[] = {
    {"peerCredentials", SYNC, sizeof(struct peer_request), read_peer, run_peer, NULL},
    {"sendDatagram", SYNC, sizeof(struct datagram_request), read_datagram, run_datagram, NULL},
    {0},
};
