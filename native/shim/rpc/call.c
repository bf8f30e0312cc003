#include <stdlib.h>
#include <string.h>

#include "shim/rpc/connection.h"
#include "shim/rpc/request.h"
#include "shim/rpc/wire.h"

enum { CALLS_MAX = 4096, CALLS_MAX_OF_ALL = 16 << 10, ARENA_MAX = 16 << 20 };

static void refuse(struct connection *connection, uint32_t stream, enum failure_code code, const char *text) {
  connection_send(connection, outgoing_failure(stream, code, text));
}

/* Out of its connection: whatever is answered now, nobody hears. */
static void detach(struct call *call) {
  struct connection *connection = call->connection;
  if (connection == NULL) return;
  if (call->previous != NULL) call->previous->next = call->next;
  else connection->calls = call->next;
  if (call->next != NULL) call->next->previous = call->previous;
  connection->call_count--;
  call->connection = NULL;
  timer_clear(call->server->loop, &call->deadline);
}

void call_abandon(struct call *call) {
  detach(call);
  void (*abandoned)(struct call *) = call->abandoned;
  call->abandoned = NULL;
  if (abandoned != NULL) abandoned(call);
}

static void end(struct call *call) {
  detach(call);
  call->server->call_count--;
  arena_close(&call->arena);
  free(call);
}

void call_answer(struct call *call, const void *response) {
  if (call->connection != NULL) connection_send(call->connection, outgoing_answer(call->stream, response));
  end(call);
}

void call_fail(struct call *call, const struct failure *failure) {
  if (call->connection != NULL) refuse(call->connection, call->stream, failure->code, failure->text);
  end(call);
}

static void expire(struct timer *timer) {
  struct call *call = holder_of(timer, struct call, deadline);
  refuse(call->connection, call->stream, DEADLINE_EXCEEDED, "context deadline exceeded");
  call_abandon(call);
}

/* One that has passed already still lets a method answer that can do so at once, as with containerd's server. */
static void set_deadline(struct call *call, int64_t nanoseconds) {
  if (nanoseconds == 0) return;
  call->deadline.due = expire;
  timer_set(call->server->loop, &call->deadline, nanoseconds < 0 ? 0 : (nanoseconds - 1) / 1000000 + 1);
}

static struct call *open_call(struct connection *connection, uint32_t stream) {
  struct call *call = calloc(1, sizeof *call);
  if (call == NULL) return NULL;
  call->server = connection->server;
  call->context = connection->server->context;
  call->connection = connection;
  call->stream = stream;
  arena_open(&call->arena, ARENA_MAX);
  call->next = connection->calls;
  if (call->next != NULL) call->next->previous = call;
  connection->calls = call;
  connection->call_count++;
  connection->server->call_count++;
  return call;
}

static bool is_named(const char *name, const char *text, size_t size) {
  return strlen(name) == size && memcmp(name, text, size) == 0;
}

/* Fails in the words of containerd's server, by which clients may know an older shim. */
static const struct method *find_method(struct call *call, const struct request *request, struct failure *failure) {
  const struct service *service = call->server->services;
  const struct service *last = service + call->server->service_count;
  while (service < last && !is_named(service->name, request->service, request->service_size)) service++;
  if (service == last) {
    fail(failure, UNIMPLEMENTED, "service %.*s", (int)request->service_size, request->service);
    return NULL;
  }
  call->service = service->name;
  for (size_t i = 0; i < service->count; i++)
    if (is_named(service->methods[i].name, request->method, request->method_size)) return &service->methods[i];
  fail(failure, UNIMPLEMENTED, "method %.*s", (int)request->method_size, request->method);
  return NULL;
}

static void *unpack(struct call *call, const struct method *method, const struct request *request,
                    struct failure *failure) {
  const char *wrong = wire_check(method->request, request->payload, request->payload_size);
  void *message = wrong != NULL ? NULL
                                : protobuf_c_message_unpack(method->request, &call->arena.allocator,
                                                            request->payload_size, request->payload);
  if (message != NULL) return message;
  if (call->arena.exhausted) fail(failure, RESOURCE_EXHAUSTED, "Cannot read a request: it unpacks to too much");
  else fail(failure, INTERNAL, "ttrpc: error unmarshalling payload: %s", wrong != NULL ? wrong : "it is malformed");
  return NULL;
}

/* The frame's payload is freed before the method runs: a call that waits costs no more than its request's message. */
static void serve(struct connection *connection, struct frame *frame, const struct request *request) {
  struct failure failure;
  struct call *call = open_call(connection, frame->stream);
  if (call == NULL) return refuse(connection, frame->stream, RESOURCE_EXHAUSTED, "Cannot take a request: no memory");
  const struct method *method = find_method(call, request, &failure);
  void *message = method == NULL ? NULL : unpack(call, method, request, &failure);
  if (message == NULL) return call_fail(call, &failure);
  set_deadline(call, request->timeout_nano);
  call->method = method->name;
  free(frame->payload);
  frame->payload = NULL;
  method->serve(call, message);
}

static void take_request(struct connection *connection, struct frame *frame) {
  if (frame->stream <= connection->last_stream)
    return refuse(connection, frame->stream, INVALID_ARGUMENT, "StreamID must grow and cannot be used again");
  connection->last_stream = frame->stream;
  struct request request;
  if (!request_decode(&request, frame->payload, frame->length))
    return refuse(connection, frame->stream, INVALID_ARGUMENT, "unmarshal request error: it is malformed");
  if (connection->call_count >= CALLS_MAX || connection->server->call_count >= CALLS_MAX_OF_ALL)
    return refuse(connection, frame->stream, RESOURCE_EXHAUSTED, "Cannot take a request: too many are in flight");
  serve(connection, frame, &request);
}

/*
 * No method here streams. Data for a stream that is not in flight is refused as containerd's server does; data for one
 * that is ends that call for the client; merely closing the client's side of it means nothing.
 */
static void take_data(struct connection *connection, const struct frame *frame) {
  struct call *call = connection->calls;
  while (call != NULL && call->stream != frame->stream) call = call->next;
  if (call == NULL) return refuse(connection, frame->stream, INVALID_ARGUMENT, "StreamID is no longer active");
  if (frame->length == 0 && (frame->flags & FRAME_NO_DATA)) return;
  refuse(connection, frame->stream, INVALID_ARGUMENT, "Cannot take data: the method does not stream");
  call_abandon(call);
}

static void take(struct connection *connection, struct frame *frame) {
  uint32_t stream = frame->stream;
  if (frame->skipped)
    return refuse(connection, stream, RESOURCE_EXHAUSTED, "Cannot take a message: it is longer than can be held (4 MiB)");
  if (stream % 2 != 1)
    return refuse(connection, stream, INVALID_ARGUMENT, "StreamID must be odd in what a client begins");
  if (frame->type == FRAME_DATA) take_data(connection, frame);
  if (frame->type == FRAME_REQUEST) take_request(connection, frame);
}

void connection_take(struct connection *connection, struct frame *frame) {
  take(connection, frame);
  free(frame->payload);
}
