#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write-file.h"
#include "commands.h"
#include "containerd/runtime/bootstrap/v1/bootstrap.pb-c.h"
#include "greeting.h"
#include "placement.h"
#include "runtime/spec.h"
#include "serve.h"
#include "socket.h"

static bool answer_result(const struct greeting *greeting, const char *address, struct failure *failure) {
  Containerd__Runtime__Bootstrap__V1__BootstrapResult result = CONTAINERD__RUNTIME__BOOTSTRAP__V1__BOOTSTRAP_RESULT__INIT;
  uint8_t bytes[SOCKET_PATH_SIZE + 64];
  result.version = greeting->version;
  result.address = (char *)address;
  result.protocol = (char *)"ttrpc";
  size_t length = containerd__runtime__bootstrap__v1__bootstrap_result__pack(&result, bytes);
  return write_output(bytes, length, failure);
}

static bool answer(const struct greeting *greeting, const char *address, struct failure *failure) {
  char text[SOCKET_PATH_SIZE + 128];
  if (greeting->answer == ANSWER_RESULT) return answer_result(greeting, address, failure);
  if (greeting->answer == ANSWER_ADDRESS) return write_output(address, strlen(address), failure);
  int length = snprintf(text, sizeof text, "{\"version\":%d,\"address\":\"%s\",\"protocol\":\"ttrpc\"}", greeting->version, address);
  return write_output(text, (size_t)length, failure);
}

/* Files that the daemon and the shim itself look for later. */
static bool write_files(const struct greeting *greeting, const char *address, struct failure *failure) {
  int error = write_file("address", address, strlen(address), 0600);
  if (error == 0 && *greeting->socket_dir != '\0') {
    (void)unlink("s");
    error = symlink(greeting->socket_dir, "s") < 0 ? -errno : 0;
  }
  return error == 0 || fail(failure, UNKNOWN, "Cannot write into the bundle: %s", strerror(-error));
}

/* The shim is a fork of this process: it has all that it needs, and need not be loaded again. Its name loses the action. */
static void become_shim(struct flags *flags, int listener, const char *path) {
  struct failure failure;
  memset(flags->action, 0, strlen(flags->action));
  (void)setpgid(0, 0);
  _exit(serve(flags, listener, path, &failure) ? 0 : 1);
}

static bool start_shim(const struct flags *flags, const struct greeting *greeting, int listener, const char *path,
                       struct failure *failure) {
  struct flags own = *flags;
  pid_t daemon = getppid();
  pid_t pid = fork();
  if (pid == 0) become_shim(&own, listener, path);
  if (pid < 0) return fail(failure, RESOURCE_EXHAUSTED, "Cannot start the shim: fork: %s", strerror(errno));
  place_below(daemon, pid);
  if (*greeting->options->shim_cgroup == '\0' || place_in_cgroup(greeting->options->shim_cgroup, pid, failure)) return true;
  (void)kill(pid, SIGKILL);
  return false;
}

bool start_command(const struct flags *flags, struct failure *failure) {
  struct greeting greeting;
  struct spec spec;
  (void)close_range(3, ~0U, 0); /* whatever a caller has let us inherit, the shim must not keep */
  char path[SOCKET_PATH_SIZE], address[SOCKET_PATH_SIZE + 8];
  int listener;
  if (!greeting_read(&greeting, flags, failure) || !spec_read(".", &spec, failure)) return false;
  const char *group = *spec.group == '\0' ? flags->id : spec.group;
  if (!socket_path(flags, group, greeting.socket_dir, path, failure)) return false;
  (void)snprintf(address, sizeof address, "unix://%s", path);
  if (!write_files(&greeting, address, failure) || !socket_claim(path, &listener, failure)) return false;
  if (listener < 0) return answer(&greeting, address, failure);
  if (start_shim(flags, &greeting, listener, path, failure)) return answer(&greeting, address, failure);
  (void)unlink(path);
  return false;
}
