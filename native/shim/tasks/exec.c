#include "exec.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/write-file.h"
#include "events.h"
#include "exits.h"
#include "messages.h"
#include "names.h"
#include "service.h"
#include "shim/runtime/spec.h"
#include "spawning.h"
#include "start.h"

enum { EXECS_MOST = 8192 };

static bool check(struct container *container, const exec_request *request, struct failure *failure) {
  struct failure other;
  if (!name_check("process", request->exec_id, failure)) return false;
  if (strcmp(request->exec_id, "init") == 0)
    return fail(failure, INVALID_ARGUMENT, "Cannot name a process \"init\": the files of the first process are named so");
  if (process_find(container, request->exec_id, &other) != NULL)
    return fail(failure, ALREADY_EXISTS, "id %s: already exists", request->exec_id);
  if (container->exec_count == EXECS_MOST)
    return fail(failure, RESOURCE_EXHAUSTED, "Cannot add process \"%s\": %d are there", request->exec_id, EXECS_MOST);
  const struct process *init = &container->init;
  if (init->phase == STOPPED) return fail(failure, UNKNOWN, "cannot exec in a stopped state");
  if (init->phase == PAUSED) return fail(failure, UNKNOWN, "cannot exec in a paused state");
  if (init->phase == CREATED && container->checkpoint != NULL) return fail(failure, UNKNOWN, "cannot exec in a created state");
  return request->spec != NULL || fail(failure, INVALID_ARGUMENT, "Cannot add process \"%s\": it has no spec", request->exec_id);
}

static bool fill(struct process *process, const exec_request *request, struct failure *failure) {
  const ProtobufCBinaryData *spec = &request->spec->value;
  process->spec = spec_process((const char *)spec->data, spec->len, request->terminal, &process->spec_size);
  if (process->spec == NULL)
    return fail(failure, INVALID_ARGUMENT, "Cannot add process \"%s\": its spec is no JSON object", request->exec_id);
  return stdio_set(&process->stdio, request->terminal, request->stdin, request->stdout, request->stderr) ||
         fail(failure, RESOURCE_EXHAUSTED, "Cannot add process \"%s\": out of memory", request->exec_id);
}

void serve_exec(struct call *call, const void *message) {
  const exec_request *request = message;
  struct failure failure;
  struct container *container = service_container(call, request->id);
  if (container == NULL) return;
  if (!check(container, request, &failure)) return call_fail(call, &failure);
  struct process *process = process_new(container, request->exec_id);
  if (process == NULL) {
    fail(&failure, RESOURCE_EXHAUSTED, "Cannot add process \"%s\": out of memory", request->exec_id);
    return call_fail(call, &failure);
  }
  if (!fill(process, request, &failure) || !spawning_prepare(process, &failure)) {
    process_remove(process);
    return call_fail(call, &failure);
  }
  event_exec_added(process);
  service_answer_empty(call);
}

static void spec_path(const struct process *process, char *path, size_t size) {
  (void)snprintf(path, size, "%s/exec-%s.json", process->container->bundle, process->id);
}

static void clean_up(const struct operation *operation) {
  char path[PATH_MAX];
  spec_path(operation->process, path, sizeof path);
  (void)unlink(path);
  if (operation->log != NULL) (void)unlink(operation->log);
}

/* It may be started again; those who wait for this start need not wait for ever. */
static void give_up(struct operation *operation, const struct failure *failure) {
  struct process *process = operation->process;
  struct container *container = operation->container;
  clean_up(operation);
  spawning_abort(operation);
  exit_answer_waiters(process);
  container_use(container);
  operation_fail(operation, failure);
  exit_count_exec(container);
  container_release(container);
}

static void give_up_early(struct operation *operation, const struct failure *failure) {
  struct failure whole;
  fail(&whole, failure->code, "OCI runtime exec failed: %s", failure->text);
  give_up(operation, &whole);
}

static void started(struct operation *operation) {
  struct failure failure;
  if (!spawning_finish(operation, "OCI runtime exec failed", &failure)) return give_up(operation, &failure);
  clean_up(operation);
  free(operation->process->spec);
  operation->process->spec = NULL;
  start_succeed(operation);
}

static bool run(struct operation *operation, struct failure *failure) {
  struct process *process = operation->process;
  struct container *container = operation->container;
  struct words words;
  char path[PATH_MAX];
  spec_path(process, path, sizeof path);
  int error = write_file(path, process->spec, process->spec_size, 0600);
  if (error < 0) return fail(failure, UNKNOWN, "\"%s\" cannot be written: %s", path, strerror(-error));
  if (asprintf(&operation->log, "%s/exec-%s.log", container->bundle, process->id) < 0) {
    operation->log = NULL;
    return fail(failure, RESOURCE_EXHAUSTED, "out of memory");
  }
  runtime_words(&container->runtime, operation->log, "exec", &words);
  words_pair(&words, "--process", path);
  if (!spawning_words(operation, &words, failure)) return false;
  words_add(&words, "--detach");
  words_add(&words, container->id);
  return spawning_run(operation, &words, started, failure);
}

static void opened(struct operation *operation) {
  struct failure failure;
  if (!run(operation, &failure)) give_up_early(operation, &failure);
}

void exec_start(struct operation *operation) {
  struct container *container = operation->container;
  struct failure failure;
  if (container->init.ended) {
    fail(&failure, FAILED_PRECONDITION, "container %s init process is not running: failed precondition", container->id);
    return operation_fail(operation, &failure);
  }
  container->running_execs++;
  spawning_open(operation, opened, give_up);
}
