#include <unistd.h>

#include "messages.h"
#include "service.h"
#include "timestamps.h"

/* What is frozen is frozen as a whole. */
static Containerd__V1__Types__Status status_of(const struct process *process) {
  const struct container *container = process->container;
  if (container->pausing) return CONTAINERD__V1__TYPES__STATUS__PAUSING;
  if (container->init.phase == PAUSED) return CONTAINERD__V1__TYPES__STATUS__PAUSED;
  switch (process->phase) {
    case CREATED: return CONTAINERD__V1__TYPES__STATUS__CREATED;
    case RUNNING: return CONTAINERD__V1__TYPES__STATUS__RUNNING;
    case PAUSED: return CONTAINERD__V1__TYPES__STATUS__PAUSED;
    case STOPPED: return CONTAINERD__V1__TYPES__STATUS__STOPPED;
  }
  return CONTAINERD__V1__TYPES__STATUS__UNKNOWN;
}

void serve_state(struct call *call, const void *message) {
  const state_request *request = message;
  struct process *process = service_process(call, request->id, request->exec_id);
  if (process == NULL) return;
  Google__Protobuf__Timestamp at = timestamp_of(&process->exited_at);
  Containerd__Task__V3__StateResponse response = CONTAINERD__TASK__V3__STATE_RESPONSE__INIT;
  response.id = process_is_init(process) ? process->container->id : process->id;
  response.bundle = process->container->bundle;
  response.pid = (uint32_t)process->pid;
  response.status = status_of(process);
  response.stdin = process->stdio.in;
  response.stdout = process->stdio.out;
  response.stderr = process->stdio.err;
  response.terminal = process->stdio.terminal;
  response.exit_status = (uint32_t)process->status;
  response.exited_at = &at;
  call_answer(call, &response);
}

/* Of a container that is not there, too: it asks for the shim above all. */
void serve_connect(struct call *call, const void *message) {
  const connect_request *request = message;
  struct failure failure;
  struct container *container = container_find(service_shim(call), request->id, &failure);
  Containerd__Task__V3__ConnectResponse response = CONTAINERD__TASK__V3__CONNECT_RESPONSE__INIT;
  response.shim_pid = (uint32_t)getpid();
  response.task_pid = container == NULL ? 0 : (uint32_t)container->init.pid;
  call_answer(call, &response);
}

/* Not while it has containers: others of the group need it. */
void serve_shutdown(struct call *call, const void *message) {
  (void)message;
  struct shim *shim = service_shim(call);
  service_answer_empty(call);
  if (shim->containers == NULL) shim->shut_down(shim);
}
