#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "events.h"
#include "exec.h"
#include "exits.h"
#include "messages.h"
#include "operation.h"
#include "restore.h"
#include "service.h"
#include "start.h"

void start_succeed(struct operation *operation) {
  struct process *process = operation->process;
  Containerd__Task__V3__StartResponse response = CONTAINERD__TASK__V3__START_RESPONSE__INIT;
  process->phase = RUNNING;
  if (process->streams != NULL) streams_take_input(process->streams);
  response.pid = (uint32_t)process->pid;
  event_start(process);
  operation_answer(operation, &response);
}

static void started(struct operation *operation) {
  struct failure failure;
  if (!runtime_call_result(&operation->runtime, "OCI runtime start failed", &failure)) return operation_fail(operation, &failure);
  start_succeed(operation);
}

/* In the words of containerd's shim. */
static bool check(const struct process *process, struct failure *failure) {
  switch (process->phase) {
    case CREATED: return true;
    case RUNNING: return fail(failure, UNKNOWN, "cannot start a running process");
    case PAUSED: return fail(failure, UNKNOWN, "cannot start a paused process");
    case STOPPED: break;
  }
  return fail(failure, UNKNOWN, "cannot start a stopped process");
}

static void begin_init(struct operation *operation) {
  struct container *container = operation->container;
  struct words words;
  struct failure failure, whole;
  if (!check(&container->init, &failure)) return operation_fail(operation, &failure);
  if (container->checkpoint != NULL) return restore_start(operation);
  exit_defer(&container->init);
  runtime_words(&container->runtime, container->runtime.log, "start", &words);
  words_add(&words, container->id);
  if (operation_run_captured(operation, &words, started, &failure)) return;
  fail(&whole, failure.code, "OCI runtime start failed: %s", failure.text);
  operation_fail(operation, &whole);
}

static void begin(struct operation *operation) {
  struct failure failure;
  if (process_is_init(operation->process)) return begin_init(operation);
  if (!check(operation->process, &failure)) return operation_fail(operation, &failure);
  exec_start(operation);
}

void serve_start(struct call *call, const void *message) {
  const start_request *request = message;
  struct process *process = service_process(call, request->id, request->exec_id);
  if (process != NULL) operation_begin(process, call, request, begin);
}
