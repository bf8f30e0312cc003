#include "exits.h"

#include <stdlib.h>

#include "events.h"
#include "exit-file.h"
#include "messages.h"
#include "operation.h"
#include "resources.h"
#include "wait.h"

static void tell(struct process *process) {
  process->status = process->ending.status;
  process->exited_at = process->ending.at;
  process->phase = STOPPED;
  exit_file_write(process);
  event_exit(process);
  exit_answer_waiters(process);
  if (process->streams != NULL) streams_process_ended(process->streams);
  if (process->on_stopped != NULL) process->on_stopped(process);
}

/* The first process ends last. */
static void tell_init(struct container *container) {
  if (container->running_execs == 0 && container->init.phase != STOPPED) tell(&container->init);
}

static void rest_killed(struct operation *operation) {
  struct container *container = operation->container;
  container_use(container);
  operation_end(operation);
  container->killing = false;
  tell_init(container);
  container_release(container);
}

static void kill_rest(struct operation *operation) {
  struct words words;
  struct failure failure;
  runtime_words(&operation->container->runtime, operation->container->runtime.log, "kill", &words);
  words_add(&words, "--all");
  words_pair(&words, operation->container->id, "9");
  if (!operation_run_captured(operation, &words, rest_killed, &failure)) rest_killed(operation);
}

static void resumed(struct operation *operation) { operation_end(operation); }

/* A frozen cgroup could not be removed. */
static void thaw(struct operation *operation) {
  struct words words;
  struct failure failure;
  runtime_words(&operation->container->runtime, operation->container->runtime.log, "resume", &words);
  words_add(&words, operation->container->id);
  if (!operation_run_captured(operation, &words, resumed, &failure)) operation_end(operation);
}

static void end_init(struct container *container) {
  if (container->init.phase == PAUSED) operation_begin(&container->init, NULL, NULL, thaw);
  if (!container->kills_rest || container->init.on_stopped != NULL) return tell_init(container);
  container->killing = true;
  operation_begin(&container->init, NULL, NULL, kill_rest);
}

void exit_count_exec(struct container *container) {
  container->running_execs--;
  if (container->init.ended && !container->init.starting && !container->killing) tell_init(container);
}

static void end_process(struct process *process) {
  if (process_is_init(process)) return end_init(process->container);
  tell(process);
  exit_count_exec(process->container);
}

static void on_ended(struct child *child, const struct ending *ending) {
  struct process *process = holder_of(child, struct process, child);
  process->ended = true;
  process->ending = *ending;
  resources_check(process->container, ending->status);
  if (!process->starting) end_process(process);
}

void exit_watch(struct process *process) {
  process->child = (struct child){ .pid = process->pid, .ended = on_ended };
  reaper_watch(&process->container->shim->reaper, &process->child);
}

void exit_defer(struct process *process) { process->starting = true; }

void exit_allow(struct process *process) {
  process->starting = false;
  if (process_is_init(process)) resources_started(process->container);
  if (process->ended && process->phase != STOPPED) end_process(process);
}

void exit_answer_waiters(struct process *process) {
  while (process->waiters != NULL) {
    struct waiter *waiter = process->waiters;
    process->waiters = waiter->next;
    wait_answer(process, waiter->call);
    free(waiter);
  }
}
