#include "shim/rpc/output.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { AT_ONCE = 16 };

static size_t cost(const struct outgoing *frame) { return sizeof *frame + frame->size; }

static void drop_first(struct output *output) {
  struct outgoing *frame = output->first;
  output->first = frame->next;
  if (output->first == NULL) output->last = NULL;
  output->held -= cost(frame);
  free(frame);
}

static void note_sent(struct output *output, size_t count) {
  while (count > 0) {
    struct outgoing *frame = output->first;
    size_t left = frame->size - frame->sent;
    size_t part = count < left ? count : left;
    frame->sent += part;
    count -= part;
    if (frame->sent == frame->size) drop_first(output);
  }
}

int output_send(struct output *output, int socket) {
  while (output->first != NULL) {
    struct iovec parts[AT_ONCE];
    size_t count = 0;
    for (struct outgoing *frame = output->first; frame != NULL && count < AT_ONCE; frame = frame->next)
      parts[count++] = (struct iovec){ frame->bytes + frame->sent, frame->size - frame->sent };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN ? 0 : -errno;
    note_sent(output, (size_t)sent);
  }
  return 0;
}

int output_add(struct output *output, int socket, struct outgoing *frame) {
  frame->next = NULL;
  frame->sent = 0;
  if (output->last == NULL) output->first = frame;
  else output->last->next = frame;
  output->last = frame;
  output->held += cost(frame);
  return output->first == frame ? output_send(output, socket) : 0;
}

void output_clear(struct output *output) {
  while (output->first != NULL) drop_first(output);
}
