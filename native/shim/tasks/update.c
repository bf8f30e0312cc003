#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "messages.h"
#include "operation.h"
#include "service.h"
#include "shim/runtime/spec.h"

static void updated(struct operation *operation) {
  struct failure failure;
  if (runtime_call_result(&operation->runtime, "OCI runtime update failed", &failure)) return operation_answer_empty(operation);
  operation_fail(operation, &failure);
}

/* A file that the runtime reads to its end, without anybody having to feed it. */
static int open_resources(const ProtobufCBinaryData *json) {
  int fd = memfd_create("resources", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (write(fd, json->data, json->len) == (ssize_t)json->len && lseek(fd, 0, SEEK_SET) == 0) return fd;
  close(fd);
  return -EIO;
}

static bool run(struct operation *operation, struct failure *failure) {
  const update_request *request = operation->request;
  struct container *container = operation->container;
  struct words words;
  if (container->init.phase == STOPPED) return fail(failure, UNKNOWN, "cannot update a stopped container");
  if (request->resources == NULL || !spec_is_object((const char *)request->resources->value.data, request->resources->value.len))
    return fail(failure, INVALID_ARGUMENT, "Cannot update \"%s\": its resources are no JSON object", request->id);
  int input = open_resources(&request->resources->value);
  if (input < 0) return fail(failure, INTERNAL, "Cannot update \"%s\": memfd: %s", request->id, strerror(-input));
  runtime_words(&container->runtime, container->runtime.log, "update", &words);
  words_pair(&words, "--resources=-", container->id);
  struct run_request run = { .words = &words, .fds = { input, -1, -1 }, .captured = true, .limit_ms = RUNTIME_LIMIT_MS };
  bool good = operation_run(operation, &run, updated, failure);
  close(input);
  return good;
}

static void begin(struct operation *operation) {
  struct failure failure;
  if (!run(operation, &failure)) operation_fail(operation, &failure);
}

void serve_update(struct call *call, const void *message) {
  const update_request *request = message;
  struct container *container = service_container(call, request->id);
  if (container != NULL) operation_begin(&container->init, call, request, begin);
}
