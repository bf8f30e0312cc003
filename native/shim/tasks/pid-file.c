#include "pid-file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/read-file.h"

void pid_file_path(const struct process *process, char *path, size_t size) {
  const char *name = process_is_init(process) ? "init" : process->id;
  (void)snprintf(path, size, "%s/%s.pid", process->container->bundle, name);
}

pid_t pid_file_number(const char *path) {
  char text[32], *end;
  if (read_file(path, text, sizeof text) <= 0) return 0;
  errno = 0;
  long number = strtol(text, &end, 10);
  return errno != 0 || end == text || strspn(end, " \r\n") != strlen(end) || number <= 1 || number > INT_MAX ? 0 : (pid_t)number;
}

bool pid_file_read(const struct process *process, pid_t *pid, struct failure *failure) {
  char path[PATH_MAX];
  pid_file_path(process, path, sizeof path);
  *pid = pid_file_number(path);
  return *pid != 0 || fail(failure, UNKNOWN, "failed to retrieve OCI runtime container pid: the runtime wrote no pid to \"%s\"", path);
}
