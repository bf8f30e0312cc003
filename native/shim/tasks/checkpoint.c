#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "containerd/runc/v1/options.pb-c.h"
#include "messages.h"
#include "operation.h"
#include "report.h"
#include "service.h"
#include "work-directory.h"

typedef Containerd__Runc__V1__CheckpointOptions checkpoint_options;

/* Where criu works, and whether that is ours to remove. */
struct checkpointing {
  const checkpoint_options *options; /* in the call's arena */
  bool is_ours;
  char work[PATH_MAX];
};

static bool read_options(struct operation *operation, const checkpoint_options **options, struct failure *failure) {
  static const checkpoint_options usual = CONTAINERD__RUNC__V1__CHECKPOINT_OPTIONS__INIT;
  const Google__Protobuf__Any *any = ((const checkpoint_request *)operation->request)->options;
  *options = &usual;
  if (any == NULL || any->value.len == 0) return true;
  const char *name = strrchr(any->type_url, '/');
  name = name == NULL ? any->type_url : name + 1;
  if (strcmp(name, "containerd.runc.v1.CheckpointOptions") != 0)
    return fail(failure, INVALID_ARGUMENT, "Cannot use checkpoint options of type \"%s\"", any->type_url);
  *options = containerd__runc__v1__checkpoint_options__unpack(&operation->call->arena.allocator, any->value.len, any->value.data);
  return *options != NULL || fail(failure, INVALID_ARGUMENT, "Cannot read checkpoint options: they are no CheckpointOptions");
}

/* criu's own log says more than the runtime; it stays in the bundle. */
static void failed(struct operation *operation, struct failure *failure) {
  const struct checkpointing *making = operation->extra;
  char log[PATH_MAX + 32], from[PATH_MAX + 32], first[1024];
  (void)snprintf(log, sizeof log, "%s/criu-dump.log", operation->container->bundle);
  (void)snprintf(from, sizeof from, "%s/dump.log", making->work);
  int error = file_copy(from, log);
  if (error < 0) report("Cannot copy \"%s\" to \"%s\": %s", from, log, strerror(-error));
  (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(failure->text, "\n"), failure->text);
  fail(failure, failure->code, "%s path= %s", first, log);
}

static void checkpointed(struct operation *operation) {
  struct checkpointing *making = operation->extra;
  struct failure failure;
  bool good = runtime_call_result(&operation->runtime, "OCI runtime checkpoint failed", &failure);
  if (!good) failed(operation, &failure);
  if (making->is_ours) directory_remove(making->work);
  if (good) operation_answer_empty(operation);
  else operation_fail(operation, &failure);
}

static void add_options(struct words *words, const checkpoint_options *options) {
  if (*options->parent_path != '\0') words_pair(words, "--parent-path", options->parent_path);
  if (options->open_tcp) words_add(words, "--tcp-established");
  if (options->external_unix_sockets) words_add(words, "--ext-unix-sk");
  if (options->terminal) words_add(words, "--shell-job");
  if (options->file_locks) words_add(words, "--file-locks");
  if (*options->cgroups_mode != '\0') words_pair(words, "--manage-cgroups-mode", options->cgroups_mode);
  for (size_t i = 0; i < options->n_empty_namespaces; i++) words_pair(words, "--empty-ns", options->empty_namespaces[i]);
  if (!options->exit) words_add(words, "--leave-running");
}

static bool run(struct operation *operation, struct failure *failure) {
  const checkpoint_request *request = operation->request;
  struct container *container = operation->container;
  struct checkpointing *making = operation->extra = calloc(1, sizeof *making);
  struct words words;
  if (making == NULL) return fail(failure, RESOURCE_EXHAUSTED, "Cannot make a checkpoint: out of memory");
  if (container->init.phase == CREATED) return fail(failure, UNKNOWN, "cannot checkpoint a task in created state");
  if (container->init.phase == STOPPED) return fail(failure, UNKNOWN, "cannot checkpoint a stopped container");
  if (!read_options(operation, &making->options, failure)) return false;
  making->is_ours = *making->options->work_path == '\0';
  if (making->is_ours) (void)snprintf(making->work, sizeof making->work, "%s/work/criu-work", container->bundle);
  else (void)snprintf(making->work, sizeof making->work, "%s", making->options->work_path);
  runtime_words(&container->runtime, container->runtime.log, "checkpoint", &words);
  if (*request->path != '\0') words_pair(&words, "--image-path", request->path);
  words_pair(&words, "--work-path", making->work);
  add_options(&words, making->options);
  words_add(&words, container->id);
  return operation_run_captured(operation, &words, checkpointed, failure);
}

static void begin(struct operation *operation) {
  struct failure failure;
  if (!run(operation, &failure)) operation_fail(operation, &failure);
}

void serve_checkpoint(struct call *call, const void *message) {
  const checkpoint_request *request = message;
  struct container *container = service_container(call, request->id);
  if (container != NULL) operation_begin(&container->init, call, request, begin);
}
