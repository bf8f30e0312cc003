#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "events.h"
#include "messages.h"
#include "names.h"
#include "operation.h"
#include "report.h"
#include "resources.h"
#include "service.h"
#include "shim/rootfs/mount.h"
#include "shim/runtime/spec.h"
#include "spawning.h"

/*
 * Create: checks, then what the bundle needs (files, mounts, streams), then the runtime. The container is seen by others
 * when all of it went well; otherwise everything is undone. If this process dies midway, `delete` undoes it.
 */

/* How far the mounts have come: some are made by programs, which are waited for. */
struct making {
  size_t mounted;
  char rootfs[PATH_MAX];
};

static const create_request *request_of(const struct operation *operation) { return operation->request; }

static void give_up(struct operation *operation, const struct failure *failure) {
  struct container *container = operation->container;
  struct making *making = operation->extra;
  int error = making != NULL && making->mounted > 0 ? unmount_all(making->rootfs) : 0;
  if (error < 0) report("Cannot unmount \"%s\": %s", making->rootfs, strerror(-error));
  container_remove(container);
  operation_fail(operation, failure);
}

static void succeed(struct operation *operation) {
  struct container *container = operation->container;
  Containerd__Task__V3__CreateTaskResponse response = CONTAINERD__TASK__V3__CREATE_TASK_RESPONSE__INIT;
  response.pid = (uint32_t)container->init.pid;
  container->visible = true;
  if (container->init.pid != 0) resources_open(container);
  event_create(container, request_of(operation));
  operation_answer(operation, &response);
}

static void undone(struct operation *operation) {
  struct failure *failure = operation->left;
  give_up(operation, failure);
}

/*
 * What a runtime leaves that was ended, or did not do what it said, it takes away itself. One that failed by itself has
 * left nothing, and the id may be that of somebody else's container.
 */
static void undo(struct operation *operation, const struct failure *failure) {
  struct container *container = operation->container;
  const struct run *run = &operation->runtime.run;
  struct words words;
  struct failure other;
  if (!run->overdue && run->status > 0 && run->status <= 128) return give_up(operation, failure);
  operation->left = malloc(sizeof *operation->left);
  if (operation->left == NULL) return give_up(operation, failure);
  *operation->left = *failure;
  runtime_words(&container->runtime, container->runtime.log, "delete", &words);
  words_pair(&words, "--force", container->id);
  if (!operation_run_captured(operation, &words, undone, &other)) undone(operation);
}

static void created(struct operation *operation) {
  struct failure failure;
  if (spawning_finish(operation, "OCI runtime create failed", &failure)) succeed(operation);
  else undo(operation, &failure);
}

static bool run_create(struct operation *operation, struct failure *failure) {
  struct container *container = operation->container;
  struct words words;
  runtime_words(&container->runtime, container->runtime.log, "create", &words);
  words_pair(&words, "--bundle", container->bundle);
  if (!spawning_words(operation, &words, failure)) return false;
  if (container->options->no_pivot_root) words_add(&words, "--no-pivot");
  if (container->options->no_new_keyring) words_add(&words, "--no-new-keyring");
  words_add(&words, container->id);
  return spawning_run(operation, &words, created, failure);
}

/* A container that is to be restored is made by Start. */
static void opened(struct operation *operation) {
  struct failure failure, whole;
  if (operation->container->checkpoint != NULL) return succeed(operation);
  if (run_create(operation, &failure)) return;
  fail(&whole, failure.code, "OCI runtime create failed: %s", failure.text);
  give_up(operation, &whole);
}

static void mount_rest(struct operation *operation);

static void helper_ended(struct operation *operation) {
  struct making *making = operation->extra;
  struct failure failure;
  if (!runtime_call_result(&operation->runtime, "failed to mount rootfs component", &failure))
    return give_up(operation, &failure);
  making->mounted++;
  mount_rest(operation);
}

static void mount_by_helper(struct operation *operation, const mount_request *mount, const char *rootfs) {
  struct words words;
  struct failure failure, whole;
  mount_helper_words(mount, rootfs, &words);
  if (operation_run_captured(operation, &words, helper_ended, &failure)) return;
  fail(&whole, failure.code, "failed to mount rootfs component: %s", failure.text);
  give_up(operation, &whole);
}

static void mount_rest(struct operation *operation) {
  const create_request *request = request_of(operation);
  struct making *making = operation->extra;
  struct failure failure;
  for (; making->mounted < request->n_rootfs; making->mounted++) {
    const mount_request *mount = request->rootfs[making->mounted];
    if (mount_needs_helper(mount)) return mount_by_helper(operation, mount, making->rootfs);
    if (!mount_make(mount, making->rootfs, &failure)) return give_up(operation, &failure);
  }
  spawning_open(operation, opened, give_up);
}

static void begin(struct operation *operation) {
  const create_request *request = request_of(operation);
  struct failure failure;
  struct making *making = operation->extra = calloc(1, sizeof *making);
  if (making == NULL) {
    fail(&failure, RESOURCE_EXHAUSTED, "Cannot create \"%s\": out of memory", request->id);
    return give_up(operation, &failure);
  }
  (void)snprintf(making->rootfs, sizeof making->rootfs, "%s/rootfs", request->bundle);
  if (request->n_rootfs > 0 && mkdir(making->rootfs, 0711) < 0 && errno != EEXIST) {
    fail(&failure, UNKNOWN, "Cannot create \"%s\": mkdir %s: %s", request->id, making->rootfs, strerror(errno));
    return give_up(operation, &failure);
  }
  mount_rest(operation);
}

/* What is known of a container before anything is done for it. */
static bool fill(struct container *container, const create_request *request, struct failure *failure) {
  struct spec spec;
  if (!options_unpack(&container->options, request->options, failure)) return false;
  if (!spec_read(container->bundle, &spec, failure)) return false;
  container->kills_rest = !spec.has_own_pids;
  const options_t *options = container->options;
  bool good = runtime_open(&container->runtime, options->binary_name, options->root, container->shim->namespace, container->bundle);
  container->runtime.systemd_cgroup = options->systemd_cgroup;
  good = stdio_set(&container->init.stdio, request->terminal, request->stdin, request->stdout, request->stderr) && good;
  if (*request->checkpoint != '\0') {
    container->checkpoint = strdup(request->checkpoint);
    container->parent_checkpoint = strdup(request->parent_checkpoint);
    good = container->checkpoint != NULL && container->parent_checkpoint != NULL && good;
  }
  if (!good) return fail(failure, RESOURCE_EXHAUSTED, "Cannot create \"%s\": out of memory", request->id);
  int error = options_write(options, container->bundle);
  return error == 0 || fail(failure, UNKNOWN, "Cannot create \"%s\": its options cannot be written: %s", request->id, strerror(-error));
}

static bool is_taken(const struct shim *shim, const char *id) {
  for (const struct container *container = shim->containers; container != NULL; container = container->next)
    if (strcmp(container->id, id) == 0) return true;
  return false;
}

static bool check(const struct shim *shim, const create_request *request, struct failure *failure) {
  if (!name_check("container", request->id, failure) || !bundle_check(request->bundle, failure)) return false;
  return !is_taken(shim, request->id) || fail(failure, ALREADY_EXISTS, "container \"%s\" exists already", request->id);
}

void serve_create(struct call *call, const void *message) {
  const create_request *request = message;
  struct shim *shim = service_shim(call);
  struct failure failure;
  struct container *container = NULL;
  if (check(shim, request, &failure)) {
    container = container_new(shim, request->id, request->bundle);
    if (container == NULL) fail(&failure, RESOURCE_EXHAUSTED, "Cannot create \"%s\": out of memory", request->id);
  }
  if (container == NULL) return call_fail(call, &failure);
  if (fill(container, request, &failure)) return operation_begin(&container->init, call, request, begin);
  container_remove(container);
  call_fail(call, &failure);
}
