#include "wait-run.h"

#include <string.h>

static void done(struct run *run) { loop_stop(run->loop); }

bool wait_run(struct runtime_call *call, const char *log, const struct words *words, int64_t limit_ms, struct failure *failure) {
  struct loop loop;
  struct reaper reaper = { .source.fd = -1 };
  struct run_request request = { .words = words, .fds = { -1, -1, -1 }, .captured = true, .limit_ms = limit_ms };
  int error = loop_open(&loop);
  if (error == 0) error = reaper_open(&reaper, &loop);
  *call = (struct runtime_call){ .run = { .loop = &loop, .reaper = &reaper, .done = done } };
  bool good = error == 0 || fail(failure, INTERNAL, "Cannot run \"%s\": %s", words->list[0], strerror(-error));
  good = good && runtime_call_start(call, log, &request, failure);
  if (good) error = loop_run(&loop);
  reaper_close(&reaper);
  loop_close(&loop);
  return good;
}
