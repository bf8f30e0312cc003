#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/read-file.h"
#include "commands.h"
#include "greeting.h"
#include "rootfs/mount.h"
#include "runtime/options.h"
#include "runtime/wait-run.h"
#include "socket.h"
#include "tasks/exit-file.h"
#include "tasks/messages.h"
#include "tasks/names.h"
#include "tasks/pid-file.h"
#include "tasks/timestamps.h"

/* Daemons wait five seconds for all of it. */
enum { LIMIT_MS = 4000, KILLED = 128 + 9 };

/* Best effort: what fails is told on standard error, and what comes after is done all the same. */
static void delete_container(const char *bundle, const struct flags *flags) {
  options_t *options;
  struct failure failure;
  struct runtime runtime = { 0 };
  struct runtime_call call = { .run.text = NULL };
  struct words words;
  bool good = options_read(&options, bundle, &failure);
  if (good) {
    good = runtime_open(&runtime, options->binary_name, options->root, flags->namespace, bundle) ||
           fail(&failure, RESOURCE_EXHAUSTED, "out of memory");
    runtime.systemd_cgroup = options->systemd_cgroup;
  }
  if (good) {
    runtime_words(&runtime, runtime.log, "delete", &words);
    words_pair(&words, "--force", flags->id);
    good = wait_run(&call, runtime.log, &words, LIMIT_MS, &failure) && runtime_call_result(&call, "failed to delete", &failure);
  }
  if (!good) dprintf(STDERR_FILENO, "%s: failed to remove container \"%s\": %s\n", SHIM_RUNTIME, flags->id, failure.text);
  run_close(&call.run);
  runtime_close(&runtime);
}

static void unmount(const char *bundle) {
  char rootfs[PATH_MAX + 32];
  (void)snprintf(rootfs, sizeof rootfs, "%s/rootfs" ROOTFS_VIEW, bundle);
  (void)unmount_all(rootfs);
  (void)snprintf(rootfs, sizeof rootfs, "%s/rootfs", bundle);
  int error = unmount_all(rootfs);
  if (error < 0) dprintf(STDERR_FILENO, "%s: failed to cleanup rootfs mount: %s\n", SHIM_RUNTIME, strerror(-error));
}

static bool answer(const char *bundle, struct failure *failure) {
  char path[PATH_MAX + 16];
  struct exit_record record;
  if (!exit_file_read(bundle, &record)) {
    (void)snprintf(path, sizeof path, "%s/init.pid", bundle);
    record = (struct exit_record){ .pid = pid_file_number(path), .status = KILLED };
    (void)clock_gettime(CLOCK_REALTIME, &record.at);
  }
  Google__Protobuf__Timestamp at = timestamp_of(&record.at);
  Containerd__Task__V3__DeleteResponse response = CONTAINERD__TASK__V3__DELETE_RESPONSE__INIT;
  uint8_t bytes[64];
  response.pid = (uint32_t)record.pid;
  response.exit_status = record.status;
  response.exited_at = &at;
  return write_output(bytes, containerd__task__v3__delete_response__pack(&response, bytes), failure);
}

/* As containerd's: the bundle lies beside that in which it was called, under its id. */
static bool find_bundle(const struct flags *flags, char bundle[PATH_MAX], struct failure *failure) {
  char here[PATH_MAX];
  if (*flags->bundle != '\0') (void)snprintf(bundle, PATH_MAX, "%s", flags->bundle);
  else if (getcwd(here, sizeof here) == NULL) return fail(failure, UNKNOWN, "Cannot delete \"%s\": the working directory is gone", flags->id);
  else (void)snprintf(bundle, PATH_MAX, "%.*s/%s", (int)(strrchr(here, '/') - here), here, flags->id);
  return bundle_check(bundle, failure);
}

/* Its socket is named by the bundle's own file; another shim of the group may have taken it over. */
static void clear_socket(const char *bundle) {
  static const char scheme[] = "unix://";
  char name[PATH_MAX + sizeof "/address"], address[SOCKET_PATH_SIZE + sizeof scheme];
  (void)snprintf(name, sizeof name, "%s/address", bundle);
  if (read_file(name, address, sizeof address) < 0) return;
  const char *path = address + sizeof scheme - 1;
  if (strncmp(address, scheme, sizeof scheme - 1) == 0 && *path == '/') socket_clear(path);
}

bool delete_command(const struct flags *flags, struct failure *failure) {
  char bundle[PATH_MAX];
  if (!find_bundle(flags, bundle, failure)) return false;
  delete_container(bundle, flags);
  unmount(bundle);
  clear_socket(bundle);
  return answer(bundle, failure);
}
