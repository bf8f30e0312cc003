#include "client.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void client_begin(struct client *client, int fd, int64_t now) {
  *client = (struct client){ .state = CLIENT_HELLO, .fd = fd, .progress_at = now };
}

static int client_open(struct client *client) {
  static const uint8_t magic[] = { 'B', 'R', 'T', '1' };
  const uint8_t *hello = client->hello;
  if (memcmp(hello, magic, sizeof magic) != 0 || (hello[4] & ~WANT_KNOWN) != 0) return -EPROTO;
  if ((hello[5] | hello[6] | hello[7]) != 0) return -EPROTO;
  client->flags = hello[4];
  if ((client->flags & (WANT_STDOUT | WANT_STDERR)) != 0) {
    void *ring = mmap(NULL, CLIENT_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED) return -errno;
    client->buffer = ring;
  }
  if (send(client->fd, "\0", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) return -EPIPE;
  client->state = CLIENT_OPEN;
  return 1;
}

int client_hello(struct client *client) {
  ssize_t count =
      recv(client->fd, client->hello + client->hello_size, HELLO_SIZE - (size_t)client->hello_size, MSG_DONTWAIT);
  if (count == 0) return -ECONNRESET;
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  client->hello_size = (uint8_t)(client->hello_size + count);
  return client->hello_size < HELLO_SIZE ? 0 : client_open(client);
}

bool client_wants(const struct client *client, enum stream stream) {
  if (client->state != CLIENT_OPEN || client->output_ended) return false;
  return (client->flags & (stream == STREAM_STDOUT ? WANT_STDOUT : WANT_STDERR)) != 0;
}

size_t client_room(const struct client *client) {
  size_t room = CLIENT_BUFFER - client->used;
  return room > FRAME_HEADER ? room - FRAME_HEADER : 0;
}

static void keep(struct client *client, const unsigned char *bytes, size_t length) {
  size_t at = (client->start + client->used) % CLIENT_BUFFER;
  size_t part = length < CLIENT_BUFFER - at ? length : CLIENT_BUFFER - at;
  memcpy(client->buffer + at, bytes, part);
  memcpy(client->buffer, bytes + part, length - part);
  client->used += length;
}

/* Sends what the socket takes; a socket that is broken ends the output. Returns the bytes taken. */
static size_t send_parts(struct client *client, struct iovec *parts, size_t count, int64_t now) {
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
  ssize_t sent = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) {
    client->progress_at = now;
    return (size_t)sent;
  }
  if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
    client->output_ended = true;
    client->used = 0;
  }
  return 0;
}

static void put_header(unsigned char *header, enum stream stream, size_t length) {
  memset(header, 0, FRAME_HEADER);
  header[0] = (unsigned char)stream;
  for (size_t i = 0; i < 4; i++) header[4 + i] = (unsigned char)(length >> (8 * (3 - i)));
}

void client_deliver(struct client *client, enum stream stream, const unsigned char *bytes, size_t length, int64_t now) {
  unsigned char header[FRAME_HEADER];
  size_t framing = (client->flags & WANT_RAW) != 0 ? 0 : FRAME_HEADER;
  put_header(header, stream, length);
  size_t sent = 0;
  if (client->used == 0) {
    struct iovec parts[] = { { header, framing }, { (void *)bytes, length } };
    sent = send_parts(client, parts, 2, now);
  }
  if (client->output_ended) return;
  if (sent < framing) keep(client, header + sent, framing - sent);
  size_t gone = sent > framing ? sent - framing : 0;
  keep(client, bytes + gone, length - gone);
}

void client_flush(struct client *client, int64_t now) {
  while (client->used > 0) {
    size_t first = CLIENT_BUFFER - client->start < client->used ? CLIENT_BUFFER - client->start : client->used;
    struct iovec parts[] = { { client->buffer + client->start, first }, { client->buffer, client->used - first } };
    size_t sent = send_parts(client, parts, 2, now);
    if (sent == 0) return;
    client->start = (client->start + sent) % CLIENT_BUFFER;
    client->used -= sent;
  }
}

void client_end_output(struct client *client, int64_t now) {
  if (client->output_ended || client->used > 0) return;
  shutdown(client->fd, SHUT_WR);
  client->output_ended = true;
  client->progress_at = now;
}

bool client_is_stuck(struct client *client, int64_t now, int64_t limit) {
  int unread = 0;
  if (ioctl(client->fd, SIOCOUTQ, &unread) == 0 && unread != client->unread) {
    client->unread = unread;
    client->progress_at = now;
  }
  return now - client->progress_at >= limit;
}

void client_close(struct client *client) {
  close(client->fd);
  if (client->buffer != NULL) munmap(client->buffer, CLIENT_BUFFER);
  *client = (struct client){ .state = CLIENT_FREE, .fd = -1 };
}
