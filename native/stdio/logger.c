#include "logger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_FD = 3, LOGGER_FDS = 3, HIGH_FD = 16, NAME_ROOM = 512 };

static void tell(struct logger *logger, const struct failure *failure) {
  watch_end(&logger->ready);
  timer_clear(logger->loop, &logger->limit);
  logger->told(logger->owner, failure);
}

static void heard(struct source *source, uint32_t events) {
  (void)events;
  struct logger *logger = holder_of(source, struct logger, ready.source);
  char byte;
  ssize_t count = read(source->fd, &byte, 1);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  struct failure failure;
  if (count == 1 || (count == 0 && !logger->is_strict)) return tell(logger, NULL);
  fail(&failure, UNKNOWN, "Cannot log by a program: it has ended before it was ready");
  tell(logger, &failure);
}

static void overdue(struct timer *timer) {
  struct logger *logger = holder_of(timer, struct logger, limit);
  if (logger->ends) {
    (void)kill(logger->child.pid, logger->was_asked ? SIGKILL : SIGTERM);
    if (!logger->was_asked) timer_set(logger->loop, timer, LOGGER_END_LIMIT);
    logger->was_asked = true;
    return;
  }
  struct failure failure;
  fail(&failure, DEADLINE_EXCEEDED, "Cannot log by a program: it was not ready after %d s", LOGGER_READY_LIMIT / 1000);
  tell(logger, &failure);
}

static void ended(struct child *child, const struct ending *ending) {
  (void)ending;
  struct logger *logger = holder_of(child, struct logger, child);
  child->pid = 0;
  if (logger->ends) timer_clear(logger->loop, &logger->limit);
  logger->ended(logger->owner);
}

/* The attributes of a program of somebody else's: no blocked and no ignored signal. */
static int set_signals(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &all);
  return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* 0 to 2 are nothing, then come the given ones; `high` are copies that are in nobody's way. */
static int place_fds(posix_spawn_file_actions_t *actions, const int high[LOGGER_FDS]) {
  int error = 0;
  for (int fd = 0; fd < FIRST_FD && error == 0; fd++)
    error = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
  for (int i = 0; i < LOGGER_FDS && error == 0; i++)
    error = posix_spawn_file_actions_adddup2(actions, high[i], FIRST_FD + i);
  return error;
}

static int spawn_logger(struct logger *logger, const struct logger_request *request, const int high[LOGGER_FDS]) {
  const struct uri *uri = request->uri;
  const char *words[2 * URI_PARAMETERS + 2] = { uri->path };
  for (size_t i = 0; i < uri->count; i++) {
    words[1 + 2 * i] = uri->parameters[i].key;
    words[2 + 2 * i] = uri->parameters[i].value;
  }
  char id[NAME_ROOM], namespace[NAME_ROOM];
  (void)snprintf(id, sizeof id, "CONTAINER_ID=%s", request->id);
  (void)snprintf(namespace, sizeof namespace, "CONTAINER_NAMESPACE=%s", request->namespace);
  char *environment[] = { id, namespace, NULL };
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  int error = set_signals(&attributes);
  if (error == 0) error = place_fds(&actions, high);
  if (error == 0) error = posix_spawn(&logger->child.pid, uri->path, &actions, &attributes, (char **)words, environment);
  if (error == 0) (void)prlimit(logger->child.pid, RLIMIT_NOFILE, &logger->reaper->descriptors, NULL);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

static int start(struct logger *logger, const struct logger_request *request, int ready) {
  const int fds[LOGGER_FDS] = { request->fds[0], request->fds[1], ready };
  int high[LOGGER_FDS];
  int error = 0, count = 0;
  for (; count < LOGGER_FDS && error == 0; count++) {
    high[count] = fcntl(fds[count], F_DUPFD_CLOEXEC, HIGH_FD);
    if (high[count] < 0) error = errno;
  }
  if (error == 0) error = spawn_logger(logger, request, high);
  while (count-- > 0)
    if (high[count] >= 0) close(high[count]);
  return error;
}

bool logger_start(struct logger *logger, const struct logger_request *request, struct failure *failure) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail(failure, UNKNOWN, "Cannot make a pipe: %s", strerror(errno));
  logger->is_strict = request->uri->is_strict;
  logger->limit.due = overdue;
  int error = start(logger, request, ends[1]);
  close(ends[1]);
  (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
  watch_begin(&logger->ready, logger->loop, ends[0], heard);
  if (error != 0) {
    logger->child.pid = 0;
    watch_end(&logger->ready);
    return fail(failure, error == ENOENT ? NOT_FOUND : UNKNOWN, "Cannot log by \"%s\": %s", request->uri->path,
                strerror(error));
  }
  logger->child.ended = ended;
  reaper_watch(logger->reaper, &logger->child);
  watch_for(&logger->ready, EPOLLIN);
  timer_set(logger->loop, &logger->limit, LOGGER_READY_LIMIT);
  return true;
}

void logger_end(struct logger *logger) {
  if (!logger_is_running(logger) || logger->ends) return;
  logger->ends = true;
  timer_set(logger->loop, &logger->limit, LOGGER_GRACE);
}

void logger_close(struct logger *logger) {
  if (logger->loop == NULL) return;
  timer_clear(logger->loop, &logger->limit);
  watch_end(&logger->ready);
  if (logger_is_running(logger)) {
    reaper_forget(logger->reaper, &logger->child);
    (void)kill(logger->child.pid, SIGKILL);
  }
  *logger = (struct logger){ .ready.source.fd = -1 };
}
