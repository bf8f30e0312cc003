#include "wait.h"

#include <stdlib.h>

#include "messages.h"
#include "service.h"
#include "timestamps.h"

void wait_answer(const struct process *process, struct call *call) {
  Google__Protobuf__Timestamp at = timestamp_of(&process->exited_at);
  Containerd__Task__V3__WaitResponse response = CONTAINERD__TASK__V3__WAIT_RESPONSE__INIT;
  response.exit_status = (uint32_t)process->status;
  response.exited_at = &at;
  call_answer(call, &response);
}

/* Nobody hears the answer any more. */
static void stop_waiting(struct call *call) {
  struct process *process = call->owner;
  struct waiter **place = &process->waiters;
  while (*place != NULL && (*place)->call != call) place = &(*place)->next;
  struct waiter *waiter = *place;
  if (waiter != NULL) *place = waiter->next;
  free(waiter);
  wait_answer(process, call);
}

void serve_wait(struct call *call, const void *message) {
  const wait_request *request = message;
  struct failure failure;
  struct process *process = service_process(call, request->id, request->exec_id);
  if (process == NULL) return;
  if (process->phase == STOPPED) return wait_answer(process, call);
  struct waiter *waiter = malloc(sizeof *waiter);
  if (waiter == NULL) {
    fail(&failure, RESOURCE_EXHAUSTED, "Cannot wait for \"%s\": out of memory", request->id);
    return call_fail(call, &failure);
  }
  *waiter = (struct waiter){ .call = call, .next = process->waiters };
  process->waiters = waiter;
  call->owner = process;
  call->abandoned = stop_waiting;
}
