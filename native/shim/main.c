#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "tasks/names.h"

#ifndef BERTH_VERSION
#define BERTH_VERSION "unknown"
#endif

static int say_version(void) {
  static const char text[] = SHIM_PROGRAM ":\n  Version:  " BERTH_VERSION "\n  Protocol: 3\n\n";
  return write(STDOUT_FILENO, text, sizeof text - 1) == (ssize_t)sizeof text - 1 ? 0 : 1;
}

static bool check(const struct flags *flags, struct failure *failure) {
  if (*flags->namespace == '\0') return fail(failure, INVALID_ARGUMENT, "shim namespace cannot be empty");
  return name_check("namespace", flags->namespace, failure) && name_check("container", flags->id, failure);
}

static bool run(int count, char **words, struct failure *failure) {
  struct flags flags;
  if (!flags_read(&flags, count, words, failure)) return false;
  if (flags.version) return say_version() == 0;
  if (flags.info) return info_command(BERTH_VERSION, failure);
  if (!check(&flags, failure)) return false;
  if (strcmp(flags.action, "start") == 0) return start_command(&flags, failure);
  if (strcmp(flags.action, "delete") == 0) return delete_command(&flags, failure);
  if (*flags.action == '\0') return serve_command(&flags, failure);
  return fail(failure, INVALID_ARGUMENT, "Cannot do \"%s\": the commands are start and delete, and -v and -info", flags.action);
}

int main(int count, char **words) {
  struct failure failure = { .code = OK };
  if (run(count, words, &failure)) return 0;
  dprintf(STDERR_FILENO, SHIM_RUNTIME ": %s\n", failure.text);
  return 1;
}
