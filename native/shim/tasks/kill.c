#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "messages.h"
#include "operation.h"
#include "service.h"

/* What runtimes say of a process that is no more, and what clients of containerd look for. */
static bool is_over(const char *text) {
  return strstr(text, "process already finished") != NULL || strstr(text, "container not running") != NULL ||
         strcasestr(text, "no such process") != NULL;
}

static void translate(struct failure *failure) {
  char text[1536];
  if (failure->code != UNKNOWN) return;
  if (is_over(failure->text)) {
    fail(failure, NOT_FOUND, "process already finished: not found");
  } else if (strstr(failure->text, "does not exist") != NULL) {
    fail(failure, NOT_FOUND, "no such container: not found");
  } else {
    (void)snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, failure->text);
    fail(failure, UNKNOWN, "unknown error after kill: %s", text);
  }
}

static void killed(struct operation *operation) {
  struct failure failure;
  if (runtime_call_result(&operation->runtime, "OCI runtime kill failed", &failure)) return operation_answer_empty(operation);
  translate(&failure);
  operation_fail(operation, &failure);
}

static void begin(struct operation *operation) {
  const kill_request *request = operation->request;
  struct container *container = operation->container;
  struct words words;
  struct failure failure;
  if (container->init.phase == STOPPED && !request->all) {
    fail(&failure, NOT_FOUND, "process already finished: not found");
    return operation_fail(operation, &failure);
  }
  runtime_words(&container->runtime, container->runtime.log, "kill", &words);
  if (request->all) words_add(&words, "--all");
  words_add(&words, container->id);
  words_format(&words, "%u", request->signal);
  if (!operation_run_captured(operation, &words, killed, &failure)) operation_fail(operation, &failure);
}

/* One that was added is a child of ours that nobody else reaps, so its pid is still its own. */
static void kill_exec(struct call *call, const struct process *process, int signal) {
  struct failure failure;
  if (process->pid == 0) fail(&failure, FAILED_PRECONDITION, "process not created: failed precondition");
  else if (process->ended) fail(&failure, NOT_FOUND, "process already finished: not found");
  else if (kill(process->pid, signal) == 0) return service_answer_empty(call);
  else if (errno == ESRCH) fail(&failure, NOT_FOUND, "exec kill error: process already finished: not found");
  else fail(&failure, UNKNOWN, "exec kill error: unknown error after kill: %s", strerror(errno));
  call_fail(call, &failure);
}

void serve_kill(struct call *call, const void *message) {
  const kill_request *request = message;
  struct failure failure;
  struct process *process = service_process(call, request->id, request->exec_id);
  if (process == NULL) return;
  if (request->signal > (unsigned)SIGRTMAX) {
    fail(&failure, INVALID_ARGUMENT, "Cannot kill \"%s\": there is no signal %u", request->id, request->signal);
    return call_fail(call, &failure);
  }
  if (!process_is_init(process)) return kill_exec(call, process, (int)request->signal);
  operation_begin(process, call, request, begin);
}
