/*
 * The shim's ttrpc server and publisher with nothing behind them, for the tests: `rpc-server SOCKET TTRPC_ADDRESS`.
 * State answers with the id it was asked for; Wait answers when Kill comes for the same id, or when it is abandoned;
 * Connect tells how many calls wait (task_pid) and which events were given up (version); Start and Delete publish a
 * TaskStart and a TaskExit of that id, as many as the exec id says; Shutdown ends the program once all is told.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "containerd/events/task.pb-c.h"
#include "containerd/task/v3/shim.pb-c.h"
#include "google/protobuf/empty.pb-c.h"
#include "shim/rpc/publisher.h"
#include "shim/rpc/server.h"

struct waiter {
  struct call *call;
  const char *id;
  struct waiter *next;
};

struct program {
  struct loop loop;
  struct server server;
  struct publisher *publisher;
  struct waiter *waiters;
  unsigned dropped, dropped_exits;
  char why[128];
};

static void answer_empty(struct call *call) {
  Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
  call_answer(call, &empty);
}

static void state(struct call *call, const void *message) {
  const Containerd__Task__V3__StateRequest *request = message;
  Containerd__Task__V3__StateResponse response = CONTAINERD__TASK__V3__STATE_RESPONSE__INIT;
  response.id = request->id;
  call_answer(call, &response);
}

static void end_waiter(struct waiter **place, uint32_t status) {
  struct waiter *waiter = *place;
  *place = waiter->next;
  Containerd__Task__V3__WaitResponse response = CONTAINERD__TASK__V3__WAIT_RESPONSE__INIT;
  response.exit_status = status;
  call_answer(waiter->call, &response);
}

static void stop_waiting(struct call *call) {
  struct program *program = call->context;
  struct waiter **place = &program->waiters;
  while (*place != call->owner) place = &(*place)->next;
  end_waiter(place, 255);
}

static void wait_for(struct call *call, const void *message) {
  struct program *program = call->context;
  struct waiter *waiter = arena_take(&call->arena, sizeof *waiter);
  if (waiter == NULL) abort();
  *waiter = (struct waiter){ call, ((const Containerd__Task__V3__WaitRequest *)message)->id, program->waiters };
  program->waiters = waiter;
  call->owner = waiter;
  call->abandoned = stop_waiting;
}

static void kill_waiters(struct call *call, const void *message) {
  const Containerd__Task__V3__KillRequest *request = message;
  struct program *program = call->context;
  struct waiter **place = &program->waiters;
  while (*place != NULL)
    if (strcmp((*place)->id, request->id) == 0) end_waiter(place, request->signal);
    else place = &(*place)->next;
  answer_empty(call);
}

static void count_waiters(struct call *call, const void *message) {
  (void)message;
  struct program *program = call->context;
  Containerd__Task__V3__ConnectResponse response = CONTAINERD__TASK__V3__CONNECT_RESPONSE__INIT;
  for (struct waiter *waiter = program->waiters; waiter != NULL; waiter = waiter->next) response.task_pid++;
  response.shim_pid = (uint32_t)getpid();
  response.version = arena_format(&call->arena, "%u, exits: %u, last: %s", program->dropped, program->dropped_exits,
                                  program->why);
  call_answer(call, &response);
}

static void create(struct call *call, const void *message) {
  (void)message;
  answer_empty(call);
}

static void start(struct call *call, const void *message) {
  const Containerd__Task__V3__StartRequest *request = message;
  struct program *program = call->context;
  Containerd__Events__TaskStart event = CONTAINERD__EVENTS__TASK_START__INIT;
  event.container_id = request->id;
  for (int i = 0; i < atoi(request->exec_id); i++) {
    event.pid = (uint32_t)i;
    publisher_publish(program->publisher, "/tasks/start", &event);
  }
  answer_empty(call);
}

static void delete(struct call *call, const void *message) {
  const Containerd__Task__V3__DeleteRequest *request = message;
  struct program *program = call->context;
  Containerd__Events__TaskExit event = CONTAINERD__EVENTS__TASK_EXIT__INIT;
  event.container_id = request->id;
  for (int i = 0; i < atoi(request->exec_id); i++) {
    event.pid = (uint32_t)i;
    publisher_publish(program->publisher, "/tasks/exit", &event);
  }
  answer_empty(call);
}

static void note_dropped(void *context, const char *topic, const char *why) {
  struct program *program = context;
  program->dropped++;
  if (strcmp(topic, "/tasks/exit") == 0) program->dropped_exits++;
  (void)snprintf(program->why, sizeof program->why, "%s: %s", topic, why);
}

static void stop(void *context) { loop_stop(&((struct program *)context)->loop); }

static void shut_down(struct call *call, const void *message) {
  (void)message;
  struct program *program = call->context;
  answer_empty(call);
  publisher_drain(program->publisher, 1000, stop, program);
}

#define MESSAGE(name) &containerd__task__v3__##name##__descriptor

static const struct method methods[] = {
  { "State", MESSAGE(state_request), state },         { "Wait", MESSAGE(wait_request), wait_for },
  { "Kill", MESSAGE(kill_request), kill_waiters },    { "Connect", MESSAGE(connect_request), count_waiters },
  { "Create", MESSAGE(create_task_request), create }, { "Start", MESSAGE(start_request), start },
  { "Delete", MESSAGE(delete_request), delete },      { "Shutdown", MESSAGE(shutdown_request), shut_down },
};

static const struct service services[] = {
  { "containerd.task.v2.Task", methods, sizeof methods / sizeof *methods },
  { "containerd.task.v3.Task", methods, sizeof methods / sizeof *methods },
};

static int listen_at(const char *path) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0)
    return -1;
  return listener;
}

static bool open_publisher(struct program *program, const char *address) {
  struct publisher_options options = { .address = address, .namespace = "trial" };
  options.dropped = note_dropped;
  options.context = program;
  return publisher_open(&program->publisher, &program->loop, &options) == 0;
}

int main(int count, char **words) {
  struct program program = { 0 };
  struct server_options options = { .owner = geteuid(), .services = services, .context = &program };
  options.service_count = sizeof services / sizeof *services;
  options.listener = count > 2 ? listen_at(words[1]) : -1;
  if (options.listener < 0 || loop_open(&program.loop) < 0 || !open_publisher(&program, words[2])) return 1;
  if (server_open(&program.server, &program.loop, &options) < 0) return 1;
  int result = loop_run(&program.loop);
  server_close(&program.server);
  publisher_close(program.publisher);
  loop_close(&program.loop);
  return result < 0 ? 1 : 0;
}
