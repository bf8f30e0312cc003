#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/give-back.h"
#include "commands.h"
#include "socket.h"
#include "tasks/report.h"
#include "tasks/service.h"

enum { DRAIN_MS = 5000 };

/* The shim, and what tells it to end. */
struct serving {
  struct shim shim;
  struct source signals;
  bool ending;
};

/* The FIFO of the bundle whose other end is the daemon's log. It never makes us wait, nor ends us when the daemon goes. */
static void open_log(void) {
  int fd = open("log", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ENXIO) fd = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  (void)dup2(null, STDIN_FILENO);
  (void)dup2(null, STDOUT_FILENO);
  (void)dup2(fd < 0 ? null : fd, STDERR_FILENO);
  if (null > STDERR_FILENO) close(null);
  if (fd > STDERR_FILENO) close(fd);
  (void)signal(SIGPIPE, SIG_IGN);
}

static void stop(void *context) {
  struct serving *serving = context;
  loop_stop(&serving->shim.loop);
}

/* The last answers and events still go out. */
static void end(struct serving *serving) {
  if (serving->ending) return;
  serving->ending = true;
  server_stop(&serving->shim.server);
  publisher_drain(serving->shim.publisher, DRAIN_MS, stop, serving);
}

static void on_shut_down(struct shim *shim) { end(holder_of(shim, struct serving, shim)); }

static void on_signal(struct source *source, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  while (read(source->fd, &info, sizeof info) > 0) continue;
  end(holder_of(source, struct serving, signals));
}

static int watch_signals(struct serving *serving) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  serving->signals = (struct source){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), .events = EPOLLIN, .ready = on_signal };
  return serving->signals.fd < 0 ? -errno : loop_add(&serving->shim.loop, &serving->signals);
}

static void on_dropped(void *context, const char *topic, const char *why) {
  (void)context;
  report("Event \"%s\" is lost: %s", topic, why);
}

static int open_shim(struct serving *serving, const struct flags *flags, int listener) {
  struct shim *shim = &serving->shim;
  const char *address = getenv("TTRPC_ADDRESS");
  struct publisher_options publishing = {
    .address = address == NULL ? "" : address, .namespace = flags->namespace, .dropped = on_dropped, .context = shim,
  };
  struct server_options serving_options = {
    .listener = listener, .owner = getuid(), .services = task_services, .service_count = 2, .context = shim,
  };
  *serving = (struct serving){ .shim = { .namespace = flags->namespace, .shut_down = on_shut_down } };
  int error = loop_open(&shim->loop);
  if (error == 0) error = reaper_open(&shim->reaper, &shim->loop);
  if (error == 0) error = watch_signals(serving);
  if (error == 0) error = publisher_open(&shim->publisher, &shim->loop, &publishing);
  if (error == 0) error = server_open(&shim->server, &shim->loop, &serving_options);
  return error;
}

bool serve(const struct flags *flags, int listener, const char *path, struct failure *failure) {
  struct serving serving;
  struct stat made = { 0 };
  bool is_ours = *path != '\0' && stat(path, &made) == 0;
  open_log();
  (void)unsetenv("NOTIFY_SOCKET");
  int error = open_shim(&serving, flags, listener);
  serving.shim.loop.idle = give_back_memory;
  if (error == 0) error = loop_run(&serving.shim.loop);
  if (error < 0) report("Cannot serve: %s", strerror(-error));
  if (is_ours) socket_remove(path, &made);
  if (error < 0) return fail(failure, INTERNAL, "Cannot serve: %s", strerror(-error));
  server_close(&serving.shim.server);
  publisher_close(serving.shim.publisher);
  return true;
}

bool serve_command(const struct flags *flags, struct failure *failure) {
  int listener = 3;
  if (*flags->socket != '\0' && !socket_listen(flags->socket, &listener, failure)) return false;
  int is_listening = 0;
  socklen_t size = sizeof is_listening;
  if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) < 0 || is_listening == 0)
    return fail(failure, INVALID_ARGUMENT, "Cannot serve: descriptor 3 is no listening socket; containers are started by \"start\"");
  (void)fcntl(listener, F_SETFD, FD_CLOEXEC);
  (void)fcntl(listener, F_SETFL, O_NONBLOCK);
  return serve(flags, listener, flags->socket, failure);
}
