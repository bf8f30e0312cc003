#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* runc where it is, otherwise crun. */
static const char *usual_binary(void) {
  static const char *const places[] = { "/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/" };
  const char *const names[] = { "runc", "crun" };
  for (size_t name = 0; name < 2; name++)
    for (size_t place = 0; place < sizeof places / sizeof *places; place++) {
      char path[64];
      (void)snprintf(path, sizeof path, "%s%s", places[place], names[name]);
      if (access(path, X_OK) == 0) return names[name];
    }
  return names[0];
}

bool runtime_open(struct runtime *runtime, const char *binary, const char *root, const char *namespace, const char *bundle) {
  *runtime = (struct runtime){ 0 };
  runtime->binary = strdup(binary != NULL && *binary != '\0' ? binary : usual_binary());
  bool good = runtime->binary != NULL;
  good = asprintf(&runtime->root, "%s/%s", root != NULL && *root != '\0' ? root : RUNTIME_ROOT, namespace) >= 0 && good;
  good = asprintf(&runtime->log, "%s/log.json", bundle) >= 0 && good;
  return good;
}

void runtime_close(struct runtime *runtime) {
  free(runtime->binary);
  free(runtime->root);
  free(runtime->log);
  *runtime = (struct runtime){ 0 };
}

void runtime_words(const struct runtime *runtime, const char *log, const char *verb, struct words *words) {
  words_begin(words);
  words_add(words, runtime->binary);
  words_pair(words, "--root", runtime->root);
  words_pair(words, "--log", log);
  words_pair(words, "--log-format", "json");
  if (runtime->systemd_cgroup) words_add(words, "--systemd-cgroup");
  words_add(words, verb);
}

bool runtime_call_start(struct runtime_call *call, const char *log, const struct run_request *request,
                        struct failure *failure) {
  call->log = log;
  call->log_offset = runtime_log_size(log);
  return run_start(&call->run, request, failure);
}

/* The first line of what it said that says anything. */
static void first_line(const char *text, char *line, size_t size) {
  text += strspn(text, " \r\n\t");
  size_t length = strcspn(text, "\n");
  (void)snprintf(line, size, "%.*s", (int)(length < size ? length : size - 1), text);
}

bool runtime_call_result(const struct runtime_call *call, const char *what, struct failure *failure) {
  const struct run *run = &call->run;
  if (run->overdue) return fail(failure, DEADLINE_EXCEEDED, "%s: the runtime took too long and was killed", what);
  if (run->status == 0) return true;
  char why[1536];
  runtime_log_error(call->log, call->log_offset, why, sizeof why);
  if (*why == '\0' && run->text != NULL) first_line(run->text, why, sizeof why);
  if (*why == '\0' && run->status > 128) (void)snprintf(why, sizeof why, "signal %d ended the runtime", run->status - 128);
  if (*why == '\0') (void)snprintf(why, sizeof why, "the runtime ended with exit status %d", run->status);
  return fail(failure, UNKNOWN, "%s: %s", what, why);
}
