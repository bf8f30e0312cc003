#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "exit-file.h"
#include "messages.h"
#include "operation.h"
#include "pid-file.h"
#include "service.h"
#include "shim/rootfs/mount.h"
#include "timestamps.h"

/* How long the end of a process may take that is dead. */
enum { END_LIMIT_MS = 2000 };

static void answer(struct operation *operation) {
  const struct process *process = operation->process;
  Google__Protobuf__Timestamp at = timestamp_of(&process->exited_at);
  Containerd__Task__V3__DeleteResponse response = CONTAINERD__TASK__V3__DELETE_RESPONSE__INIT;
  response.pid = (uint32_t)process->pid;
  response.exit_status = (uint32_t)process->status;
  response.exited_at = &at;
  operation_answer(operation, &response);
}

static void delete_exec(struct operation *operation) {
  struct process *process = operation->process;
  char path[PATH_MAX];
  pid_file_path(process, path, sizeof path);
  (void)unlink(path);
  exit_file_remove(process);
  process_remove(process);
  answer(operation);
}

/* The runtime has deleted a container whose end is not told yet: one that had not been started, and was killed for that. */
struct ending_wait {
  struct timer limit;
  struct operation *operation;
};

static void finish_init(struct operation *operation);

static void on_stopped(struct process *process) {
  struct operation *operation = process->current;
  struct ending_wait *wait = operation->extra;
  process->on_stopped = NULL;
  timer_clear(&operation->container->shim->loop, &wait->limit);
  finish_init(operation);
}

static void on_limit(struct timer *timer) {
  struct operation *operation = holder_of(timer, struct ending_wait, limit)->operation;
  operation->process->on_stopped = NULL;
  finish_init(operation);
}

static void wait_for_end(struct operation *operation) {
  struct ending_wait *wait = operation->extra = calloc(1, sizeof *wait);
  if (wait == NULL) return finish_init(operation);
  *wait = (struct ending_wait){ .limit = { .due = on_limit }, .operation = operation };
  operation->process->on_stopped = on_stopped;
  timer_set(&operation->container->shim->loop, &wait->limit, END_LIMIT_MS);
}

static void deleted(struct operation *operation) {
  const struct process *init = operation->process;
  struct failure failure;
  bool good = runtime_call_result(&operation->runtime, "failed to delete task", &failure);
  /* After a checkpoint the runtime has deleted it already. */
  if (!good && strstr(failure.text, "does not exist") == NULL) return operation_fail(operation, &failure);
  if (init->pid != 0 && init->phase != STOPPED) wait_for_end(operation);
  else finish_init(operation);
}

static void finish_init(struct operation *operation) {
  struct container *container = operation->container;
  struct failure failure;
  char rootfs[PATH_MAX];
  (void)snprintf(rootfs, sizeof rootfs, "%s/rootfs", container->bundle);
  int error = unmount_all(rootfs);
  if (error < 0) {
    fail(&failure, UNKNOWN, "failed rootfs umount: %s", strerror(-error));
    return operation_fail(operation, &failure);
  }
  event_delete(container);
  container_remove(container);
  answer(operation);
}

static void delete_init(struct operation *operation) {
  struct container *container = operation->container;
  struct words words;
  struct failure failure;
  runtime_words(&container->runtime, container->runtime.log, "delete", &words);
  words_add(&words, container->id);
  if (!operation_run_captured(operation, &words, deleted, &failure)) operation_fail(operation, &failure);
}

static void go_on(struct operation *operation) {
  if (process_is_init(operation->process)) delete_init(operation);
  else delete_exec(operation);
}

/* All output has reached its readers, or they had time enough. */
static void finished(void *data) {
  struct operation *operation = data;
  operation->process->streams = NULL;
  go_on(operation);
}

static bool check(const struct process *process, struct failure *failure) {
  if (process->phase == RUNNING) return fail(failure, FAILED_PRECONDITION, "cannot delete a running process");
  if (process->phase == PAUSED) return fail(failure, FAILED_PRECONDITION, "cannot delete a paused process");
  return true;
}

static void begin(struct operation *operation) {
  struct process *process = operation->process;
  struct failure failure;
  if (!check(process, &failure)) return operation_fail(operation, &failure);
  if (process->pid == 0) { /* never started: nobody writes what could be waited for */
    streams_close(process->streams);
    process->streams = NULL;
  }
  /* What has not ended may well stay, and needs its streams then. */
  if (process->streams == NULL || process->phase != STOPPED) return go_on(operation);
  streams_finish(process->streams, finished, operation);
}

void serve_delete(struct call *call, const void *message) {
  const delete_request *request = message;
  struct process *process = service_process(call, request->id, request->exec_id);
  if (process != NULL) operation_begin(process, call, request, begin);
}
