#include "service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"

/* The order in what is polled: two outputs, the FIFO of stdin, signals, then the clients and their listener. */
enum { AT_INPUT = 2, AT_SIGNALS = 3, AT_CLIENTS = 4, POLLED = AT_CLIENTS + MAX_CLIENTS + 1 };

/* Less room than this is not worth a read. */
enum { LEAST_READ = 4096 };

static enum stream stream_of(size_t index) { return index == 0 ? STREAM_STDOUT : STREAM_STDERR; }

static int say(const char *what, const char *path, int error) {
  fprintf(stderr, "Cannot open %s \"%s\": %s\n", what, path, strerror(-error));
  return error;
}

static int open_signals(struct service *service) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  service->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  return service->signals < 0 ? -errno : 0;
}

int service_open(struct service *service, const struct options *options) {
  int error = output_open(&service->outputs[0], options->stdout_fifo);
  if (error != 0) return say("the FIFO of stdout", options->stdout_fifo, error);
  error = output_open(&service->outputs[1], options->stderr_fifo);
  if (error != 0) return say("the FIFO of stderr", options->stderr_fifo, error);
  error = input_open(&service->input, options->stdin_fifo);
  if (error != 0) return say("the FIFO of stdin", options->stdin_fifo, error);
  error = log_open(&service->log, options->log, options->max_size, options->max_file);
  if (error != 0) return say("the log", options->log, error);
  error = open_signals(service);
  if (error != 0) return say("signals for", options->socket, error);
  error = attach_open(&service->attach, options->socket);
  if (error != 0) return say("the socket", options->socket, error);
  service->attach.stdin_once = options->stdin_once;
  return 0;
}

static bool process_came(const struct service *service) {
  for (size_t i = 0; i < 2; i++)
    if (service->outputs[i].writer_came) return true;
  return false;
}

static bool has_ended(const struct service *service) { return service->outputs[0].fd < 0 && service->outputs[1].fd < 0; }

static size_t readable_size(const struct service *service, enum stream stream) {
  size_t room = attach_room(&service->attach, stream);
  if (room < LEAST_READ) return 0;
  return room < READ_SIZE ? room : READ_SIZE;
}

/* Moves what a stream has to the log and to every client, as far as all of them have room. */
static void pump(struct service *service, size_t index, bool hung_up, int64_t now) {
  enum stream stream = stream_of(index);
  size_t size = readable_size(service, stream);
  if (service->outputs[index].fd < 0 || size == 0) return;
  size_t length = output_read(&service->outputs[index], service->chunk, size, hung_up);
  if (length == 0) return;
  log_write(&service->log, stream, service->chunk, length);
  attach_deliver(&service->attach, stream, service->chunk, length, now);
}

static void prepare(const struct service *service, struct pollfd *polled, int64_t now) {
  for (size_t i = 0; i < 2; i++) {
    /* A writer that has gone is reported without being asked for, so a stream that must wait is left out. */
    bool waits = readable_size(service, stream_of(i)) == 0;
    polled[i] = (struct pollfd){ .fd = waits ? -1 : service->outputs[i].fd, .events = POLLIN };
  }
  polled[AT_INPUT] = (struct pollfd){ .fd = input_is_full(&service->input) ? service->input.fd : -1, .events = POLLOUT };
  polled[AT_SIGNALS] = (struct pollfd){ .fd = service->signals, .events = POLLIN };
  attach_prepare(&service->attach, &service->input, polled + AT_CLIENTS, now);
}

static void handle_signals(struct service *service) {
  struct signalfd_siginfo info;
  while (read(service->signals, &info, sizeof info) == sizeof info)
    if (info.ssi_signo == SIGTERM) service->terminated = true;
}

static void handle(struct service *service, const struct pollfd *polled, int64_t now) {
  if (polled[AT_SIGNALS].revents != 0) handle_signals(service);
  for (size_t i = 0; i < 2; i++)
    if (polled[i].revents != 0) pump(service, i, (polled[i].revents & POLLHUP) != 0, now);
  if (polled[AT_INPUT].revents != 0) input_flush(&service->input);
  attach_handle(&service->attach, &service->input, polled + AT_CLIENTS, now);
}

static int sooner(int one, int other) { return one < 0 ? other : other < 0 || one < other ? one : other; }

/* What happens by the clock. Returns in how many milliseconds it is due again, or -1. */
static int tick(struct service *service, int64_t now) {
  bool asked = service->terminated || service->attach.abandoned;
  if ((asked || service->input.closing) && !process_came(service))
    for (size_t i = 0; i < 2; i++) pump(service, i, false, now);
  bool came = process_came(service);
  if (asked && !came)
    for (size_t i = 0; i < 2; i++) output_close(&service->outputs[i]);
  service->terminated = service->attach.abandoned = false;
  return sooner(input_tick(&service->input, came, now), attach_tick(&service->attach, now));
}

static void end(struct service *service, int64_t now) {
  input_drop(&service->input);
  log_close(&service->log);
  attach_end(&service->attach, now);
}

int service_serve(struct service *service) {
  struct pollfd polled[POLLED];
  for (;;) {
    int64_t now = clock_ms();
    if (has_ended(service) && !service->attach.ending) end(service, now);
    int timeout = tick(service, now);
    if (service->attach.ending && attach_is_over(&service->attach)) break;
    if (has_ended(service) && !service->attach.ending) continue;
    prepare(service, polled, now);
    int count = poll(polled, POLLED, timeout);
    if (count < 0 && errno != EINTR) return -errno;
    if (count > 0) handle(service, polled, clock_ms());
  }
  attach_close(&service->attach);
  return 0;
}
