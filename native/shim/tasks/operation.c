#include "operation.h"

#include <stdlib.h>

#include "exits.h"
#include "messages.h"

/* What a run may still take when its caller has gone, or has no time left. */
enum { ABANDONED_LIMIT_MS = 5000 };

static void append(struct process *process, struct operation *operation) {
  struct operation **place = &process->queue;
  while (*place != NULL) place = &(*place)->next;
  *place = operation;
  process->queued++;
}

static void begin_next(struct process *process) {
  struct operation *operation = process->queue;
  process->queue = operation->next;
  process->queued--;
  process->current = operation;
  if (!process->gone) return operation->begin(operation);
  struct failure failure;
  fail(&failure, NOT_FOUND, process_is_init(process) ? "container not created: not found" : "process does not exist %s: not found", process->id);
  operation_fail(operation, &failure);
}

/* Not by recursion: operations that fail at once could be many. */
static void advance(struct process *process) {
  if (process->advancing) return;
  struct container *container = process->container;
  container_use(container);
  process->advancing = true;
  while (process->current == NULL && process->queue != NULL) begin_next(process);
  process->advancing = false;
  if (process->gone && process->current == NULL && !process_is_init(process)) process_free(process);
  container_release(container);
}

/* Nobody waits for it any more: it may come to its end, but not for ever. */
static void on_abandoned(struct call *call) {
  struct operation *operation = call->owner;
  struct run *run = &operation->runtime.run;
  operation->abandoned = true;
  if (operation->process->current == operation && run->child.pid != 0) timer_set(run->loop, &run->limit, ABANDONED_LIMIT_MS);
}

void operation_begin(struct process *process, struct call *call, const void *request, void (*begin)(struct operation *)) {
  struct operation *operation = process->queued < OPERATIONS_MOST ? calloc(1, sizeof *operation) : NULL;
  if (operation == NULL) {
    struct failure failure;
    fail(&failure, RESOURCE_EXHAUSTED, "Cannot do this now: %u calls wait for the same process", process->queued);
    if (call != NULL) call_fail(call, &failure);
    return;
  }
  operation->process = process;
  operation->container = process->container;
  operation->call = call;
  operation->request = request;
  operation->begin = begin;
  if (call != NULL) {
    call->owner = operation;
    call->abandoned = on_abandoned;
  }
  container_use(operation->container);
  append(process, operation);
  advance(process);
}

static void run_done(struct run *run) {
  struct operation *operation = holder_of(run, struct operation, runtime.run);
  operation->finish(operation);
}

bool operation_run(struct operation *operation, const struct run_request *request, void (*finish)(struct operation *),
                   struct failure *failure) {
  struct shim *shim = operation->container->shim;
  run_close(&operation->runtime.run);
  operation->runtime = (struct runtime_call){ .run = { .loop = &shim->loop, .reaper = &shim->reaper, .done = run_done } };
  operation->finish = finish;
  const char *log = operation->log != NULL ? operation->log : operation->container->runtime.log;
  struct run_request limited = *request;
  if (operation->abandoned && limited.limit_ms > ABANDONED_LIMIT_MS) limited.limit_ms = ABANDONED_LIMIT_MS;
  return runtime_call_start(&operation->runtime, log, &limited, failure);
}

bool operation_run_captured(struct operation *operation, const struct words *words, void (*finish)(struct operation *),
                            struct failure *failure) {
  struct run_request request = { .words = words, .fds = { -1, -1, -1 }, .captured = true, .limit_ms = RUNTIME_LIMIT_MS };
  return operation_run(operation, &request, finish, failure);
}

void operation_answer(struct operation *operation, const void *response) {
  if (operation->call != NULL) call_answer(operation->call, response);
  operation_end(operation);
}

void operation_answer_empty(struct operation *operation) {
  const Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
  operation_answer(operation, &empty);
}

void operation_fail(struct operation *operation, const struct failure *failure) {
  if (operation->call != NULL) call_fail(operation->call, failure);
  operation_end(operation);
}

void operation_end(struct operation *operation) {
  struct process *process = operation->process;
  struct container *container = operation->container;
  process->current = NULL;
  run_close(&operation->runtime.run);
  if (operation->console != NULL) console_close(operation->console);
  free(operation->console);
  free(operation->log);
  free(operation->extra);
  free(operation->left);
  free(operation);
  if (process->starting) exit_allow(process);
  advance(process);
  container_release(container);
}
