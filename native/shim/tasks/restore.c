#include "restore.h"

#include "resources.h"
#include "spawning.h"
#include "start.h"

static void restored(struct operation *operation) {
  struct failure failure;
  if (!spawning_finish(operation, "OCI runtime restore failed", &failure)) return operation_fail(operation, &failure);
  resources_open(operation->container);
  start_succeed(operation);
}

static bool run(struct operation *operation, struct failure *failure) {
  struct container *container = operation->container;
  const options_t *options = container->options;
  struct words words;
  runtime_words(&container->runtime, container->runtime.log, "restore", &words);
  words_pair(&words, "--image-path", container->checkpoint);
  words_add(&words, "--work-path");
  if (*options->criu_work_path != '\0') words_add(&words, options->criu_work_path);
  else words_format(&words, "%s/work", container->bundle);
  if (*container->parent_checkpoint != '\0') words_pair(&words, "--parent-path", container->parent_checkpoint);
  words_add(&words, "--detach");
  if (!spawning_words(operation, &words, failure)) return false;
  if (options->no_pivot_root) words_add(&words, "--no-pivot");
  words_add(&words, "--no-subreaper");
  words_pair(&words, "--bundle", container->bundle);
  words_add(&words, container->id);
  return spawning_run(operation, &words, restored, failure);
}

static void opened(struct operation *operation) {
  struct failure failure, whole;
  if (run(operation, &failure)) return;
  fail(&whole, failure.code, "OCI runtime restore failed: %s", failure.text);
  spawning_abort(operation);
  operation_fail(operation, &whole);
}

/* After a restore that failed the streams are gone, and are opened again. */
void restore_start(struct operation *operation) {
  if (operation->process->streams != NULL) opened(operation);
  else spawning_open(operation, opened, operation_fail);
}
