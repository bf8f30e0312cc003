/*
 * A whole connection: the input is what a client sends before it goes. Methods answer at once, later, or never, and
 * whatever is in flight is given back.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "containerd/task/v3/shim.pb-c.h"
#include "google/protobuf/empty.pb-c.h"
#include "shim/rpc/connection.h"

struct trial {
  struct loop loop;
  struct server server;
  struct timer end;
  struct call *waiting;
  int in_flight;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(struct call *call) {
  Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
  ((struct trial *)call->context)->in_flight--;
  call_answer(call, &empty);
}

static void at_once(struct call *call, const void *request) {
  (void)request;
  ((struct trial *)call->context)->in_flight++;
  answer(call);
}

static void state(struct call *call, const void *message) {
  const Containerd__Task__V3__StateRequest *request = message;
  Containerd__Task__V3__StateResponse response = CONTAINERD__TASK__V3__STATE_RESPONSE__INIT;
  response.id = request->id;
  response.bundle = request->exec_id;
  call_answer(call, &response);
}

/* The one before is answered when the next comes. */
static void late(struct call *call, const void *request) {
  (void)request;
  struct trial *trial = call->context;
  trial->in_flight++;
  if (trial->waiting != NULL) answer(trial->waiting);
  trial->waiting = call;
}

static void until_gone(struct call *call, const void *request) {
  (void)request;
  ((struct trial *)call->context)->in_flight++;
  call->abandoned = answer;
}

#define TASK(name) &containerd__task__v3__##name##_request__descriptor

static const struct method methods[] = {
  { "State", TASK(state), state },
  { "Create", TASK(create_task), at_once },
  { "Exec", TASK(exec_process), at_once },
  { "Update", TASK(update_task), at_once },
  { "Kill", TASK(kill), late },
  { "Wait", TASK(wait), until_gone },
};
static const struct service services[] = { { "containerd.task.v3.Task", methods, sizeof methods / sizeof *methods } };

static void end(struct timer *timer) { loop_stop(&holder_of(timer, struct trial, end)->loop); }

/* Reads the answers, too, so that a client that sends much is not taken for a deaf one. */
static void turn(struct trial *trial, int client) {
  char answers[64 << 10];
  trial->end.due = end;
  timer_set(&trial->loop, &trial->end, 0);
  (void)loop_run(&trial->loop);
  while (recv(client, answers, sizeof answers, MSG_DONTWAIT) > 0) continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int ends[2];
  struct trial trial = { 0 };
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0 || loop_open(&trial.loop) < 0) abort();
  trial.server = (struct server){ .loop = &trial.loop, .services = services, .service_count = 1, .context = &trial };
  trial.server.incoming.left = 1 << 20;
  trial.server.listener.fd = STDIN_FILENO; /* any that is open: it is not waited for */
  if (connection_open(&trial.server, ends[1]) < 0) abort();
  while (size > 0) {
    ssize_t sent = send(ends[0], data, size < 4096 ? size : 4096, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      data += sent;
      size -= (size_t)sent;
    }
    turn(&trial, ends[0]);
    if (trial.server.connections == NULL) break;
  }
  turn(&trial, ends[0]);
  close(ends[0]);
  turn(&trial, -1);
  if (trial.server.connections != NULL) abort();
  if (trial.waiting != NULL) answer(trial.waiting);
  if (trial.in_flight != 0 || trial.server.call_count != 0 || trial.server.unsent != 0) abort();
  if (trial.server.incoming.left != 1 << 20) abort();
  loop_close(&trial.loop);
  return 0;
}
