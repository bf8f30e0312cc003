#include "shim/rpc/publisher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/rpc/client.h"
#include "shim/rpc/event.h"

/*
 * An event is tried once and then up to 5 times again, after 1, 2, 3… seconds, where the daemon answers with an error,
 * hangs up, or says nothing for long; that it is away counts for nothing: what happens meanwhile is kept for it, and it is
 * looked for every 5 seconds. A silent daemon has the request already, and may only be busy: it is not sent a second one
 * before the first was waited for six times as long as the daemon has for it.
 */
enum { RETRIES_MAX = 5, SILENCE_MS = 30 * 1000, AWAY_MS_MAX = 5000 };

struct publisher {
  struct loop *loop;
  struct rpc_client client;
  struct event_queue queue;
  struct timer timer; /* while a call is in flight: its patience; else: when to try again */
  struct timer drain_timer;
  unsigned away; /* how often the daemon was looked for in vain */
  void (*drained)(void *context);
  void *drain_context;
  void (*dropped)(void *context, const char *topic, const char *why);
  void *context;
  char *namespace;
  char *path;
};

static void pump(struct publisher *publisher);

static void drop(struct publisher *publisher, struct event *event, const char *why) {
  if (publisher->dropped != NULL) publisher->dropped(publisher->context, event->topic, why);
  free(event);
}

/* The last thing anybody here does in a turn: the owner may close the publisher. */
static void tell_drained(struct publisher *publisher) {
  void (*drained)(void *) = publisher->drained;
  if (drained == NULL || publisher->queue.first != NULL) return;
  publisher->drained = NULL;
  timer_clear(publisher->loop, &publisher->drain_timer);
  drained(publisher->drain_context);
}

/* The first event was not taken: it is tried again later, or given up. */
static void note_failure(struct publisher *publisher, const char *why) {
  struct event *event = publisher->queue.first;
  if (++event->failures > RETRIES_MAX) {
    drop(publisher, event_queue_take(&publisher->queue), why);
    return pump(publisher);
  }
  timer_set(publisher->loop, &publisher->timer, event->failures * 1000);
}

static void answered(struct rpc_client *client, const struct failure *failure) {
  struct publisher *publisher = holder_of(client, struct publisher, client);
  timer_clear(publisher->loop, &publisher->timer);
  if (failure != NULL) note_failure(publisher, failure->text);
  else free(event_queue_take(&publisher->queue));
  if (failure == NULL) pump(publisher);
  tell_drained(publisher);
}

/* Whether it was told before the daemon went is not known: it is told again, at once if the daemon is back already. */
static void lost(struct rpc_client *client, bool waited) {
  struct publisher *publisher = holder_of(client, struct publisher, client);
  if (!waited) return;
  bool at_once = publisher->queue.first->failures == 0;
  timer_clear(publisher->loop, &publisher->timer);
  note_failure(publisher, "the daemon hung up on it");
  if (at_once) timer_clear(publisher->loop, &publisher->timer);
  pump(publisher);
  tell_drained(publisher);
}

static void look_later(struct publisher *publisher) {
  int delay = (int)(++publisher->away) * 1000;
  if (delay > AWAY_MS_MAX) publisher->away = AWAY_MS_MAX / 1000;
  timer_set(publisher->loop, &publisher->timer, delay > AWAY_MS_MAX ? AWAY_MS_MAX : delay);
}

static bool tell(struct publisher *publisher, const struct event *event) {
  struct rpc_client *client = &publisher->client;
  if (!rpc_client_is_connected(client) && rpc_client_connect(client, publisher->path) < 0) return false;
  if (rpc_client_call(client, event->request, event->size) == 0) return true;
  rpc_client_close(client);
  return false;
}

/* Tells the first event, unless one is being told or a time is set to try again. */
static void pump(struct publisher *publisher) {
  struct event *event = publisher->queue.first;
  if (event == NULL || publisher->client.is_waiting || publisher->timer.is_set) return;
  bool was_connected = rpc_client_is_connected(&publisher->client);
  if (!tell(publisher, event) && !(was_connected && tell(publisher, event))) return look_later(publisher);
  publisher->away = 0;
  timer_set(publisher->loop, &publisher->timer, SILENCE_MS);
}

static void due(struct timer *timer) {
  struct publisher *publisher = holder_of(timer, struct publisher, timer);
  if (publisher->client.is_waiting) {
    rpc_client_close(&publisher->client);
    note_failure(publisher, "the daemon said nothing to it");
  } else pump(publisher);
  tell_drained(publisher);
}

static void stop_draining(struct timer *timer) {
  struct publisher *publisher = holder_of(timer, struct publisher, drain_timer);
  void (*drained)(void *) = publisher->drained;
  publisher->drained = NULL;
  drained(publisher->drain_context);
}

int publisher_open(struct publisher **place, struct loop *loop, const struct publisher_options *options) {
  struct publisher *publisher = calloc(1, sizeof *publisher);
  if (publisher == NULL) return -ENOMEM;
  bool has_scheme = strncmp(options->address, "unix://", 7) == 0;
  publisher->path = strdup(options->address + (has_scheme ? 7 : 0));
  publisher->namespace = strdup(options->namespace);
  if (publisher->path == NULL || publisher->namespace == NULL) {
    publisher_close(publisher);
    return -ENOMEM;
  }
  publisher->loop = loop;
  publisher->dropped = options->dropped;
  publisher->context = options->context;
  publisher->timer.due = due;
  publisher->drain_timer.due = stop_draining;
  rpc_client_open(&publisher->client, loop);
  publisher->client.answered = answered;
  publisher->client.lost = lost;
  *place = publisher;
  return 0;
}

void publisher_publish(struct publisher *publisher, const char *topic, const void *message) {
  bool has_daemon = *publisher->path != '\0';
  struct event *event = has_daemon ? event_encode(publisher->namespace, topic, message) : NULL;
  if (event == NULL) {
    const char *why = has_daemon ? "it is too large, or memory is short" : "nobody is to be told, TTRPC_ADDRESS is empty";
    if (publisher->dropped != NULL) publisher->dropped(publisher->context, topic, why);
    return;
  }
  struct event *given_up = event_queue_add(&publisher->queue, event);
  if (given_up != NULL) drop(publisher, given_up, "too many events wait for the daemon");
  pump(publisher);
}

void publisher_drain(struct publisher *publisher, int timeout_ms, void (*drained)(void *), void *context) {
  publisher->drained = drained;
  publisher->drain_context = context;
  timer_set(publisher->loop, &publisher->drain_timer, publisher->queue.first == NULL ? 0 : timeout_ms);
  if (publisher->client.is_waiting) return;
  timer_clear(publisher->loop, &publisher->timer);
  pump(publisher);
}

void publisher_close(struct publisher *publisher) {
  if (publisher->loop != NULL) {
    rpc_client_close(&publisher->client);
    timer_clear(publisher->loop, &publisher->timer);
    timer_clear(publisher->loop, &publisher->drain_timer);
  }
  struct event *event;
  while ((event = event_queue_take(&publisher->queue)) != NULL) drop(publisher, event, "the shim ends");
  free(publisher->path);
  free(publisher->namespace);
  free(publisher);
}
