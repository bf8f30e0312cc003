#include "shim/rpc/event.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "containerd/services/events/ttrpc/v1/events.pb-c.h"
#include "containerd/ttrpc/request.pb-c.h"
#include "shim/rpc/arena.h"

#define SERVICE "containerd.services.events.ttrpc.v1.Events"
#define NAMESPACE_KEY "containerd-namespace-ttrpc"

enum { EVENTS_MAX = 2048, COST_MAX = 2 << 20 };

static const int64_t patience_nano = 5LL * 1000 * 1000 * 1000;

static bool pack(struct arena *arena, const ProtobufCMessage *message, ProtobufCBinaryData *packed) {
  packed->len = protobuf_c_message_get_packed_size(message);
  packed->data = arena_take(arena, packed->len);
  if (packed->data != NULL) protobuf_c_message_pack(message, packed->data);
  return packed->data != NULL;
}

static bool encode_forward(struct arena *arena, const char *namespace, const char *topic,
                           const ProtobufCMessage *message, ProtobufCBinaryData *packed) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  Google__Protobuf__Timestamp timestamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
  timestamp.seconds = now.tv_sec;
  timestamp.nanos = (int32_t)now.tv_nsec;
  Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
  any.type_url = (char *)message->descriptor->name;
  if (!pack(arena, message, &any.value)) return false;
  Containerd__Types__Envelope envelope = CONTAINERD__TYPES__ENVELOPE__INIT;
  envelope.timestamp = &timestamp;
  envelope.namespace_ = (char *)namespace;
  envelope.topic = (char *)topic;
  envelope.event = &any;
  Containerd__Services__Events__Ttrpc__V1__ForwardRequest forward =
      CONTAINERD__SERVICES__EVENTS__TTRPC__V1__FORWARD_REQUEST__INIT;
  forward.envelope = &envelope;
  return pack(arena, &forward.base, packed);
}

static struct event *make(const char *topic, const Ttrpc__Request *request) {
  size_t size = ttrpc__request__get_packed_size(request);
  struct event *event = size > EVENT_MAX ? NULL : malloc(sizeof *event + size + strlen(topic) + 1);
  if (event == NULL) return NULL;
  *event = (struct event){ .size = size, .is_exit = strcmp(topic, "/tasks/exit") == 0 };
  ttrpc__request__pack(request, event->request);
  event->topic = strcpy((char *)event->request + size, topic);
  return event;
}

struct event *event_encode(const char *namespace, const char *topic, const ProtobufCMessage *message) {
  struct arena arena;
  arena_open(&arena, 3 * EVENT_MAX);
  Ttrpc__KeyValue key = TTRPC__KEY_VALUE__INIT, *metadata = &key;
  key.key = (char *)NAMESPACE_KEY;
  key.value = (char *)namespace;
  Ttrpc__Request request = TTRPC__REQUEST__INIT;
  request.service = (char *)SERVICE;
  request.method = (char *)"Forward";
  request.timeout_nano = patience_nano;
  request.n_metadata = 1;
  request.metadata = &metadata;
  bool encoded = encode_forward(&arena, namespace, topic, message, &request.payload);
  struct event *event = encoded ? make(topic, &request) : NULL;
  arena_close(&arena);
  return event;
}

size_t event_cost(const struct event *event) { return sizeof *event + event->size; }

static void append(struct event_queue *queue, struct event *event) {
  event->next = NULL;
  if (queue->last == NULL) queue->first = event;
  else queue->last->next = event;
  queue->last = event;
  queue->count++;
  queue->cost += event_cost(event);
}

/* Takes out what follows `previous`, or the first. */
static struct event *take_after(struct event_queue *queue, struct event *previous) {
  struct event **place = previous == NULL ? &queue->first : &previous->next;
  struct event *event = *place;
  if (event == NULL) return NULL;
  *place = event->next;
  if (queue->last == event) queue->last = previous;
  queue->count--;
  queue->cost -= event_cost(event);
  return event;
}

/* Whom the least important of the others follows. */
static struct event *before_least(const struct event_queue *queue) {
  for (struct event *event = queue->first; event->next != NULL; event = event->next)
    if (!event->next->is_exit) return event;
  return queue->first;
}

struct event *event_queue_add(struct event_queue *queue, struct event *event) {
  append(queue, event);
  if (queue->count <= EVENTS_MAX && queue->cost <= COST_MAX) return NULL;
  return take_after(queue, before_least(queue));
}

struct event *event_queue_take(struct event_queue *queue) { return take_after(queue, NULL); }
