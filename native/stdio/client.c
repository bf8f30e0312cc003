#include "client.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct client *client_new(struct loop *loop, int fd, void *owner, void (*ready)(struct source *, uint32_t), int64_t now) {
  struct client *client = calloc(1, sizeof *client);
  if (client == NULL) return NULL;
  client->owner = owner;
  client->progress_at = now;
  watch_begin(&client->watch, loop, fd, ready);
  return client;
}

static bool wants_output(const struct client *client) { return (client->flags & (WANT_STDOUT | WANT_STDERR)) != 0; }

bool client_is_watcher(const struct client *client) {
  return client->state == CLIENT_OPEN && !wants_output(client) && (client->flags & WANT_STDIN) == 0;
}

int client_hello(struct client *client) {
  static const uint8_t magic[] = { 'B', 'R', 'T', '1' };
  uint8_t *hello = client->hello;
  size_t missing = HELLO_SIZE - (size_t)client->hello_size;
  ssize_t count = recv(client->watch.source.fd, hello + client->hello_size, missing, MSG_DONTWAIT);
  if (count == 0) return -ECONNRESET;
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  client->hello_size = (uint8_t)(client->hello_size + count);
  if (client->hello_size < HELLO_SIZE) return 0;
  if (memcmp(hello, magic, sizeof magic) != 0 || (hello[4] & ~WANT_KNOWN) != 0) return -EPROTO;
  if ((hello[5] | hello[6] | hello[7]) != 0) return -EPROTO;
  if ((hello[4] & WANT_REOPEN) != 0 && hello[4] != WANT_REOPEN) return -EPROTO;
  client->flags = hello[4];
  return 1;
}

int client_open(struct client *client, size_t room) {
  if (wants_output(client)) {
    client->loses = room > 0;
    client->size = room > CLIENT_BUFFER ? room : CLIENT_BUFFER;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *ring = mmap(NULL, client->size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (ring == MAP_FAILED) return -errno;
    client->buffer = ring;
  }
  if (send(client->watch.source.fd, "\0", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) return -EPIPE;
  client->state = CLIENT_OPEN;
  return 0;
}

void client_refuse(struct client *client, int error) {
  const char answer = (char)-error;
  (void)send(client->watch.source.fd, &answer, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool client_wants(const struct client *client, enum stream stream) {
  if (client->state != CLIENT_OPEN || client->output_ended) return false;
  return (client->flags & (stream == STREAM_STDOUT ? WANT_STDOUT : WANT_STDERR)) != 0;
}

static size_t free_bytes(const struct client *client) {
  size_t room = client->size - client->used;
  return room > FRAME_HEADER ? room - FRAME_HEADER : 0;
}

size_t client_room(const struct client *client) { return client->loses ? SIZE_MAX : free_bytes(client); }

static void keep(struct client *client, const unsigned char *bytes, size_t length) {
  size_t at = (client->start + client->used) % client->size;
  size_t part = length < client->size - at ? length : client->size - at;
  memcpy(client->buffer + at, bytes, part);
  memcpy(client->buffer, bytes + part, length - part);
  client->used += length;
}

/* Sends what the socket takes; a socket that is broken ends the output. Returns the bytes taken. */
static size_t send_parts(struct client *client, struct iovec *parts, size_t count, int64_t now) {
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
  ssize_t sent = sendmsg(client->watch.source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
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

static void deliver(struct client *client, enum stream stream, const unsigned char *bytes, size_t length, int64_t now) {
  unsigned char header[FRAME_HEADER];
  size_t framing = (client->flags & WANT_RAW) != 0 ? 0 : FRAME_HEADER;
  put_header(header, stream, length);
  size_t sent = 0;
  if (client->used == 0) {
    client->progress_at = now;
    struct iovec parts[] = { { header, framing }, { (void *)bytes, length } };
    sent = send_parts(client, parts, 2, now);
  }
  if (client->output_ended) return;
  if (sent < framing) keep(client, header + sent, framing - sent);
  size_t gone = sent > framing ? sent - framing : 0;
  keep(client, bytes + gone, length - gone);
}

/* Says what was lost, where frames keep the sentence apart from the process's bytes. */
static void note_dropped(struct client *client, int64_t now) {
  char text[80];
  uint64_t dropped = client->dropped;
  client->dropped = 0;
  if ((client->flags & WANT_RAW) != 0 || (client->flags & WANT_STDERR) == 0) return;
  int length = snprintf(text, sizeof text, "berth: %llu bytes were dropped here\n", (unsigned long long)dropped);
  deliver(client, STREAM_STDERR, (unsigned char *)text, (size_t)length, now);
}

enum { NOTE_ROOM = 128 };

void client_deliver(struct client *client, enum stream stream, const unsigned char *bytes, size_t length, int64_t now) {
  size_t needed = length + (client->dropped > 0 ? NOTE_ROOM : 0);
  if (client->loses && free_bytes(client) < needed) {
    client->dropped += length;
    return;
  }
  if (client->dropped > 0) note_dropped(client, now);
  if (!client->output_ended) deliver(client, stream, bytes, length, now);
}

void client_flush(struct client *client, int64_t now) {
  while (client->used > 0) {
    size_t first = client->size - client->start < client->used ? client->size - client->start : client->used;
    struct iovec parts[] = { { client->buffer + client->start, first }, { client->buffer, client->used - first } };
    size_t sent = send_parts(client, parts, 2, now);
    if (sent == 0) return;
    client->start = (client->start + sent) % client->size;
    client->used -= sent;
  }
}

void client_end_output(struct client *client, int64_t now) {
  if (client->output_ended || client->used > 0) return;
  if (client->dropped > 0) {
    note_dropped(client, now);
    if (client->used > 0 || client->output_ended) return;
  }
  shutdown(client->watch.source.fd, SHUT_WR);
  client->output_ended = true;
  client->progress_at = now;
}

bool client_is_stuck(struct client *client, int64_t now, int64_t limit) {
  int unread = 0;
  if (ioctl(client->watch.source.fd, SIOCOUTQ, &unread) == 0 && unread != client->unread) {
    client->unread = unread;
    client->progress_at = now;
  }
  return now - client->progress_at >= limit;
}

void client_rest(struct client *client) {
  if (client->buffer != NULL && client->used == 0) (void)madvise(client->buffer, client->size, MADV_DONTNEED);
}

void client_free(struct client *client) {
  watch_end(&client->watch);
  if (client->buffer != NULL) munmap(client->buffer, client->size);
  free(client);
}
