#include "streams.h"

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

static int open_signals(struct streams *streams) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  streams->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  return streams->signals < 0 ? -errno : 0;
}

int streams_open(struct streams *streams, const struct options *options) {
  int error = output_open(&streams->outputs[0], options->stdout_fifo);
  if (error != 0) return say("the FIFO of stdout", options->stdout_fifo, error);
  error = output_open(&streams->outputs[1], options->stderr_fifo);
  if (error != 0) return say("the FIFO of stderr", options->stderr_fifo, error);
  error = input_open(&streams->input, options->stdin_fifo);
  if (error != 0) return say("the FIFO of stdin", options->stdin_fifo, error);
  error = log_open(&streams->log, options->log, options->max_size, options->max_file);
  if (error != 0) return say("the log", options->log, error);
  error = open_signals(streams);
  if (error != 0) return say("signals for", options->socket, error);
  error = attach_open(&streams->attach, options->socket);
  if (error != 0) return say("the socket", options->socket, error);
  streams->attach.stdin_once = options->stdin_once;
  return 0;
}

static bool process_came(const struct streams *streams) {
  for (size_t i = 0; i < 2; i++)
    if (streams->outputs[i].writer_came) return true;
  return false;
}

static bool has_ended(const struct streams *streams) { return streams->outputs[0].fd < 0 && streams->outputs[1].fd < 0; }

static size_t readable_size(const struct streams *streams, enum stream stream) {
  size_t room = attach_room(&streams->attach, stream);
  if (room < LEAST_READ) return 0;
  return room < READ_SIZE ? room : READ_SIZE;
}

/* Moves what a stream has to the log and to every client, as far as all of them have room. */
static void pump(struct streams *streams, size_t index, bool hung_up, int64_t now) {
  enum stream stream = stream_of(index);
  size_t size = readable_size(streams, stream);
  if (streams->outputs[index].fd < 0 || size == 0) return;
  size_t length = output_read(&streams->outputs[index], streams->chunk, size, hung_up);
  if (length == 0) return;
  log_write(&streams->log, stream, streams->chunk, length);
  attach_deliver(&streams->attach, stream, streams->chunk, length, now);
}

static void prepare(const struct streams *streams, struct pollfd *polled, int64_t now) {
  for (size_t i = 0; i < 2; i++) {
    /* A writer that has gone is reported without being asked for, so a stream that must wait is left out. */
    bool waits = readable_size(streams, stream_of(i)) == 0;
    polled[i] = (struct pollfd){ .fd = waits ? -1 : streams->outputs[i].fd, .events = POLLIN };
  }
  polled[AT_INPUT] = (struct pollfd){ .fd = input_is_full(&streams->input) ? streams->input.fd : -1, .events = POLLOUT };
  polled[AT_SIGNALS] = (struct pollfd){ .fd = streams->signals, .events = POLLIN };
  attach_prepare(&streams->attach, &streams->input, polled + AT_CLIENTS, now);
}

static void handle_signals(struct streams *streams) {
  struct signalfd_siginfo info;
  while (read(streams->signals, &info, sizeof info) == sizeof info)
    if (info.ssi_signo == SIGTERM) streams->terminated = true;
}

static void handle(struct streams *streams, const struct pollfd *polled, int64_t now) {
  if (polled[AT_SIGNALS].revents != 0) handle_signals(streams);
  for (size_t i = 0; i < 2; i++)
    if (polled[i].revents != 0) pump(streams, i, (polled[i].revents & POLLHUP) != 0, now);
  if (polled[AT_INPUT].revents != 0) input_flush(&streams->input);
  attach_handle(&streams->attach, &streams->input, polled + AT_CLIENTS, now);
}

static int sooner(int one, int other) { return one < 0 ? other : other < 0 || one < other ? one : other; }

/* What happens by the clock. Returns in how many milliseconds it is due again, or -1. */
static int tick(struct streams *streams, int64_t now) {
  bool asked = streams->terminated || streams->attach.abandoned;
  if ((asked || streams->input.closing) && !process_came(streams))
    for (size_t i = 0; i < 2; i++) pump(streams, i, false, now);
  bool came = process_came(streams);
  if (asked && !came)
    for (size_t i = 0; i < 2; i++) output_close(&streams->outputs[i]);
  streams->terminated = streams->attach.abandoned = false;
  return sooner(input_tick(&streams->input, came, now), attach_tick(&streams->attach, now));
}

static void end(struct streams *streams, int64_t now) {
  input_drop(&streams->input);
  log_close(&streams->log);
  attach_end(&streams->attach, now);
}

int streams_serve(struct streams *streams) {
  struct pollfd polled[POLLED];
  for (;;) {
    int64_t now = clock_ms();
    if (has_ended(streams) && !streams->attach.ending) end(streams, now);
    int timeout = tick(streams, now);
    if (streams->attach.ending && attach_is_over(&streams->attach)) break;
    if (has_ended(streams) && !streams->attach.ending) continue;
    prepare(streams, polled, now);
    int count = poll(polled, POLLED, timeout);
    if (count < 0 && errno != EINTR) return -errno;
    if (count > 0) handle(streams, polled, clock_ms());
  }
  attach_close(&streams->attach);
  return 0;
}
