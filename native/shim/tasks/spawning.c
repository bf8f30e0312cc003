#include "spawning.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "pid-file.h"

static void close_streams(struct process *process) {
  streams_close(process->streams);
  process->streams = NULL;
}

/* Of no kind, as by containerd's shim: it is not the task that was not found. */
static void streams_failed(struct operation *operation, const struct failure *failure) {
  struct failure whole;
  fail(&whole, UNKNOWN, "failed to create init process I/O: %s", failure->text);
  operation->failed(operation, &whole);
}

static void on_ready(void *data, const struct failure *failure) {
  struct operation *operation = data;
  if (failure == NULL) return operation->opened(operation);
  close_streams(operation->process);
  streams_failed(operation, failure);
}

static bool open_streams(struct process *process, struct failure *failure) {
  struct container *container = process->container;
  struct stream_request request = {
    .stdin_uri = process->stdio.in,
    .stdout_uri = process->stdio.out,
    .stderr_uri = process->stdio.err,
    .terminal = process->stdio.terminal,
    .id = process_is_init(process) ? container->id : process->id,
    .namespace = container->shim->namespace,
    .uid = container->options->io_uid,
    .gid = container->options->io_gid,
  };
  if (streams_open(&process->streams, &container->shim->loop, &container->shim->reaper, &request, failure)) return true;
  process->streams = NULL;
  return false;
}

static bool takes_clients(const char *uri) { return strncmp(uri, "berth://", sizeof "berth://" - 1) == 0; }

bool spawning_prepare(struct process *process, struct failure *failure) {
  const struct stdio *stdio = &process->stdio;
  if (!takes_clients(stdio->in) && !takes_clients(stdio->out) && !takes_clients(stdio->err)) return true;
  return open_streams(process, failure);
}

void spawning_open(struct operation *operation, void (*begin)(struct operation *),
                   void (*failed)(struct operation *, const struct failure *)) {
  struct process *process = operation->process;
  struct failure failure;
  operation->opened = begin;
  operation->failed = failed;
  if (process->streams == NULL && !open_streams(process, &failure)) return streams_failed(operation, &failure);
  if (!streams_wait(process->streams, on_ready, operation)) begin(operation);
}

bool spawning_words(struct operation *operation, struct words *words, struct failure *failure) {
  const char *bundle = operation->container->bundle;
  char path[PATH_MAX];
  pid_file_path(operation->process, path, sizeof path);
  words_add(words, "--pid-file");
  words_format(words, "%s", path);
  if (!operation->process->stdio.terminal) return true;
  operation->console = malloc(sizeof *operation->console);
  int error = operation->console == NULL ? -ENOMEM : console_open(operation->console, bundle);
  if (error < 0) {
    free(operation->console);
    operation->console = NULL;
    return fail(failure, UNKNOWN, "failed to create OCI runtime console socket: %s", strerror(-error));
  }
  words_pair(words, "--console-socket", operation->console->path);
  return true;
}

bool spawning_run(struct operation *operation, const struct words *words, void (*finish)(struct operation *),
                  struct failure *failure) {
  struct process *process = operation->process;
  struct run_request run = { .words = words, .captured = process->stdio.terminal, .limit_ms = RUNTIME_LIMIT_MS };
  for (int i = 0; i < 3; i++) run.fds[i] = streams_child_fd(process->streams, i);
  exit_defer(process);
  reaper_hold(&operation->container->shim->reaper);
  if (operation_run(operation, &run, finish, failure)) return true;
  reaper_release(&operation->container->shim->reaper);
  return false;
}

static bool take_console(struct operation *operation, struct failure *failure) {
  if (operation->console == NULL) return true;
  int master = console_receive(operation->console);
  int error = master < 0 ? master : streams_console(operation->process->streams, master);
  return error == 0 || fail(failure, UNKNOWN, "failed to retrieve console master: %s",
                            error == -EAGAIN ? "the runtime sent none" : strerror(-error));
}

bool spawning_finish(struct operation *operation, const char *what, struct failure *failure) {
  struct process *process = operation->process;
  bool good = runtime_call_result(&operation->runtime, what, failure) && pid_file_read(process, &process->pid, failure);
  if (good && !take_console(operation, failure)) {
    (void)kill(process->pid, SIGKILL);
    process->pid = 0;
    good = false;
  }
  if (good) {
    streams_started(process->streams);
    exit_watch(process);
  } else {
    close_streams(process);
  }
  reaper_release(&operation->container->shim->reaper);
  return good;
}

void spawning_abort(struct operation *operation) { close_streams(operation->process); }
