#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn.h"

static void stop_reading(struct run *run) {
  if (run->output.fd < 0) return;
  loop_remove(run->loop, &run->output);
  close(run->output.fd);
  run->output.fd = -1;
}

/* Keeps as much as is allowed; the rest is read and dropped, so that the program need not wait. */
static void keep(struct run *run, const char *bytes, size_t count) {
  if (run->length + count + 1 > run->room && run->room < RUN_TEXT_MOST) {
    size_t room = run->room == 0 ? 4096 : run->room * 2;
    char *text = realloc(run->text, room);
    if (text == NULL) return;
    run->text = text;
    run->room = room;
    return keep(run, bytes, count);
  }
  if (run->room == 0) return;
  size_t left = run->room - 1 - run->length;
  size_t taken = count < left ? count : left;
  memcpy(run->text + run->length, bytes, taken);
  run->length += taken;
  run->text[run->length] = '\0';
}

static void read_output(struct source *source, uint32_t events) {
  (void)events;
  struct run *run = holder_of(source, struct run, output);
  char chunk[4096];
  for (;;) {
    ssize_t count = read(source->fd, chunk, sizeof chunk);
    if (count > 0) keep(run, chunk, (size_t)count);
    else if (count < 0 && errno == EINTR) continue;
    else if (count < 0 && errno == EAGAIN) return;
    else return stop_reading(run);
  }
}

static void finish(struct child *child, const struct ending *ending) {
  struct run *run = holder_of(child, struct run, child);
  timer_clear(run->loop, &run->limit);
  if (run->output.fd >= 0) read_output(&run->output, 0);
  stop_reading(run);
  run->status = ending->status;
  run->child.pid = 0;
  run->done(run);
}

static void kill_group(struct run *run) {
  if (kill(-run->child.pid, SIGKILL) < 0) kill(run->child.pid, SIGKILL);
}

static void end_overdue(struct timer *timer) {
  struct run *run = holder_of(timer, struct run, limit);
  run->overdue = true;
  kill_group(run);
}

bool run_start(struct run *run, const struct run_request *request, struct failure *failure) {
  const char *program = request->words->list[0];
  run->output = (struct source){ .fd = -1, .events = EPOLLIN, .ready = read_output };
  if (request->words->too_long) return fail(failure, INVALID_ARGUMENT, "Cannot run \"%s\": too many arguments", program);
  struct spawn spawn = {
    .words = request->words->list,
    .fds = { request->fds[0], request->fds[1], request->fds[2] },
    .descriptors = run->reaper->descriptors,
  };
  int ends[2] = { -1, -1 };
  if (request->captured) {
    if (pipe2(ends, O_CLOEXEC) < 0) return fail(failure, INTERNAL, "Cannot run \"%s\": pipe: %s", program, strerror(errno));
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    spawn.fds[1] = spawn.fds[2] = ends[1];
    run->output.fd = ends[0];
    (void)loop_add(run->loop, &run->output);
  }
  pid_t pid = spawn_program(&spawn);
  if (ends[1] >= 0) close(ends[1]);
  if (pid < 0) {
    stop_reading(run);
    return fail(failure, UNKNOWN, "exec: \"%s\": %s", program,
                pid == -ENOENT ? "executable file not found in $PATH" : strerror((int)-pid));
  }
  run->child = (struct child){ .pid = pid, .ended = finish };
  run->limit.due = end_overdue;
  timer_set(run->loop, &run->limit, request->limit_ms);
  reaper_watch(run->reaper, &run->child);
  return true;
}

void run_close(struct run *run) {
  free(run->text);
  run->text = NULL;
  run->length = run->room = 0;
}

void run_abandon(struct run *run) {
  timer_clear(run->loop, &run->limit);
  reaper_forget(run->reaper, &run->child);
  kill_group(run);
  stop_reading(run);
  run_close(run);
}
