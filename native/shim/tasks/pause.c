#include "events.h"
#include "messages.h"
#include "operation.h"
#include "service.h"

static void run(struct operation *operation, const char *verb, void (*finish)(struct operation *)) {
  struct container *container = operation->container;
  struct words words;
  struct failure failure;
  runtime_words(&container->runtime, container->runtime.log, verb, &words);
  words_add(&words, container->id);
  if (operation_run_captured(operation, &words, finish, &failure)) return;
  container->pausing = false;
  operation_fail(operation, &failure);
}

static void paused(struct operation *operation) {
  struct container *container = operation->container;
  struct failure failure;
  container->pausing = false;
  if (!runtime_call_result(&operation->runtime, "OCI runtime pause failed", &failure)) return operation_fail(operation, &failure);
  if (container->init.phase == RUNNING) container->init.phase = PAUSED;
  event_paused(container);
  operation_answer_empty(operation);
}

static void begin_pause(struct operation *operation) {
  static const char *const refusals[] = {
    [CREATED] = "cannot pause task in created state",
    [PAUSED] = "cannot pause a paused container",
    [STOPPED] = "cannot pause a stopped container",
  };
  struct container *container = operation->container;
  struct failure failure;
  if (container->init.phase != RUNNING) {
    fail(&failure, UNKNOWN, "%s", refusals[container->init.phase]);
    return operation_fail(operation, &failure);
  }
  container->pausing = true;
  run(operation, "pause", paused);
}

static void resumed(struct operation *operation) {
  struct container *container = operation->container;
  struct failure failure;
  if (!runtime_call_result(&operation->runtime, "OCI runtime resume failed", &failure)) return operation_fail(operation, &failure);
  if (container->init.phase == PAUSED) container->init.phase = RUNNING;
  event_resumed(container);
  operation_answer_empty(operation);
}

static void begin_resume(struct operation *operation) {
  static const char *const refusals[] = {
    [CREATED] = "cannot resume task in created state",
    [RUNNING] = "cannot resume a running process",
    [STOPPED] = "cannot resume a stopped container",
  };
  struct failure failure;
  enum phase phase = operation->container->init.phase;
  if (phase == PAUSED) return run(operation, "resume", resumed);
  fail(&failure, UNKNOWN, "%s", refusals[phase]);
  operation_fail(operation, &failure);
}

void serve_pause(struct call *call, const void *message) {
  const pause_request *request = message;
  struct container *container = service_container(call, request->id);
  if (container != NULL) operation_begin(&container->init, call, request, begin_pause);
}

void serve_resume(struct call *call, const void *message) {
  const resume_request *request = message;
  struct container *container = service_container(call, request->id);
  if (container != NULL) operation_begin(&container->init, call, request, begin_resume);
}
