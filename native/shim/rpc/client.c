#include "shim/rpc/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim/rpc/wire.h"

enum { READ_AT_ONCE = 4 << 10 };

static void take_status(const struct wire_field *status, struct failure *failure) {
  struct wire wire = { status->bytes, status->bytes + status->size };
  struct wire_field field, message = { .bytes = (const uint8_t *)"" };
  uint64_t code = 0;
  while (wire_next(&wire, &field) > 0) {
    if (field.number == 1 && field.type == WIRE_VARINT) code = field.value;
    if (field.number == 2 && field.type == WIRE_BYTES) message = field;
  }
  fail(failure, (enum failure_code)code, "%.*s", (int)message.size, (const char *)message.bytes);
}

/* What a response says; its payload is nothing to a caller who asked only for something to be done. */
static void decode(const struct frame *frame, struct failure *failure) {
  failure->code = OK;
  if (frame->skipped) {
    (void)fail(failure, RESOURCE_EXHAUSTED, "the answer has %u bytes", frame->length);
    return;
  }
  const uint8_t *bytes = frame->payload != NULL ? frame->payload : (const uint8_t *)"";
  struct wire wire = { bytes, bytes + frame->length };
  struct wire_field field;
  int next;
  while ((next = wire_next(&wire, &field)) > 0)
    if (field.number == 1 && field.type == WIRE_BYTES) take_status(&field, failure);
  if (next < 0) (void)fail(failure, INTERNAL, "the answer is malformed");
}

/* Answers to calls that are no longer waited for are passed over. True when the caller has been told. */
static bool take(struct rpc_client *client, const struct frame *frame) {
  if (!client->is_waiting || frame->type != FRAME_RESPONSE || frame->stream != client->stream) return false;
  client->is_waiting = false;
  struct failure failure;
  decode(frame, &failure);
  client->answered(client, failure.code == OK ? NULL : &failure);
  return true;
}

/* The caller may close the client when it is told: what came after an answer is unasked for, and is not looked at. */
static void take_all(struct rpc_client *client, const uint8_t *bytes, size_t size) {
  struct frame frame;
  bool told = false;
  while (!told && frame_reader_next(&client->reader, &bytes, &size, &frame)) {
    told = take(client, &frame);
    free(frame.payload);
  }
}

static void lose(struct rpc_client *client) {
  bool waited = client->is_waiting;
  rpc_client_close(client);
  client->lost(client, waited);
}

static void await_output(struct rpc_client *client) {
  loop_change(client->loop, &client->source, EPOLLIN | (client->output.first != NULL ? EPOLLOUT : 0));
}

static void ready(struct source *source, uint32_t events) {
  struct rpc_client *client = holder_of(source, struct rpc_client, source);
  if (events & EPOLLOUT) {
    if (output_send(&client->output, source->fd) < 0) return lose(client);
    await_output(client);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  uint8_t buffer[READ_AT_ONCE];
  ssize_t count = recv(source->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count > 0) take_all(client, buffer, (size_t)count);
  else if (count == 0 || (errno != EAGAIN && errno != EINTR)) lose(client);
}

void rpc_client_open(struct rpc_client *client, struct loop *loop) {
  client->loop = loop;
  client->source = (struct source){ .fd = -1, .ready = ready };
  client->incoming.left = 0;
  client->reader = (struct frame_reader){ .budget = &client->incoming };
}

static int connect_to(const char *path) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  memcpy(address.sun_path, path, strlen(path));
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (server < 0) return -errno;
  if (connect(server, (struct sockaddr *)&address, sizeof address) == 0) return server;
  int error = errno;
  close(server);
  return -error;
}

int rpc_client_connect(struct rpc_client *client, const char *path) {
  int server = connect_to(path);
  if (server < 0) return server;
  client->source.fd = server;
  client->source.events = EPOLLIN;
  int result = loop_add(client->loop, &client->source);
  if (result == 0) return 0;
  close(server);
  client->source.fd = -1;
  return result;
}

bool rpc_client_is_connected(const struct rpc_client *client) { return client->source.fd >= 0; }

int rpc_client_call(struct rpc_client *client, const uint8_t *request, size_t size) {
  uint32_t stream = client->stream == 0 ? 1 : client->stream + 2;
  struct outgoing *frame = outgoing_frame(stream, FRAME_REQUEST, size);
  if (frame == NULL) return -ENOMEM;
  memcpy(frame->bytes + FRAME_HEADER, request, size);
  int result = output_add(&client->output, client->source.fd, frame);
  if (result < 0) return result;
  client->stream = stream;
  client->is_waiting = true;
  await_output(client);
  return 0;
}

void rpc_client_close(struct rpc_client *client) {
  if (client->source.fd < 0) return;
  loop_remove(client->loop, &client->source);
  close(client->source.fd);
  client->source.fd = -1;
  client->stream = 0;
  client->is_waiting = false;
  frame_reader_close(&client->reader);
  output_clear(&client->output);
}
