#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "streams-state.h"

static bool all_over(const struct streams *streams) {
  for (int which = 1; which < 3; which++)
    if (tap_is_open(&streams->relays[which].from)) return false;
  return streams->board == NULL || streams->board->is_over;
}

static void finish(struct streams *streams) {
  void (*finished)(void *) = streams->finished;
  void *data = streams->data;
  streams_close(streams);
  finished(data);
}

/* All has been delivered, or the time for that is over: a logger is to end, then all is. */
static void drained(struct timer *timer) {
  struct streams *streams = holder_of(timer, struct streams, limit);
  for (int which = 0; which < 3; which++) {
    relay_close(&streams->relays[which]);
    streams_close_fd(&streams->child[which]);
    streams_close_fd(&streams->ours[which]);
  }
  if (!logger_is_running(&streams->logger)) return finish(streams);
  logger_end(&streams->logger);
}

void streams_changed(void *owner) {
  struct streams *streams = owner;
  if (streams->finished != NULL && all_over(streams)) timer_set(streams->loop, &streams->limit, 0);
}

static void logger_told(void *owner, const struct failure *failure) {
  struct streams *streams = owner;
  void (*ready)(void *, const struct failure *) = streams->ready;
  streams->ready = NULL;
  if (ready != NULL) ready(streams->ready_data, failure);
}

static void input_over(struct relay *relay) {
  struct streams *streams = relay->owner;
  if (!streams->terminal) return;
  /* As the Go shim: the end of a terminal's input hangs it up. */
  streams_close_fd(&streams->master);
  relay_finish(&streams->relays[1]);
}

/* The way to the process is there. With a FIFO it is used from the start on. */
static void start_input(struct streams *streams, int to) {
  if (streams->board == NULL) streams->ours[0] = to;
  else board_input(streams->board, to, false);
}

/* We hold a FIFO open for writing too, so that it ends by CloseIO only. */
static int open_input(struct streams *streams) {
  int fd = open(streams->stdin_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  bool holds = !streams->lets_go && fd >= 0 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
  if (holds) streams->hold = open(streams->stdin_path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  free(streams->stdin_path);
  streams->stdin_path = NULL;
  return fd;
}

void streams_take_input(struct streams *streams) {
  if (streams->stdin_path == NULL || streams->ours[0] < 0) return;
  int fd = open_input(streams);
  if (fd < 0) return streams_close_fd(&streams->ours[0]);
  relay_to(&streams->relays[0], streams->ours[0]);
  streams->ours[0] = -1;
  streams->relays[0].over = input_over;
  streams->relays[0].keeps_when_broken = true;
  relay_from(&streams->relays[0], fd, TAP_PIPE);
}

static void start_output(struct streams *streams, int which, int from, enum tap_kind kind) {
  if (streams->board == NULL) relay_from(&streams->relays[which], from, kind);
  else board_output(streams->board, which == 1 ? STREAM_STDOUT : STREAM_STDERR, from, kind);
}

/* The way in, and who attaches; the way out begins when there is a process. */
static void start(struct streams *streams) {
  int to = streams->ours[0];
  streams->ours[0] = -1;
  if (to >= 0) start_input(streams, to);
  if (streams->board != NULL) board_start(streams->board, true);
}

bool streams_open(struct streams **opened, struct loop *loop, struct reaper *reaper, const struct stream_request *request,
                  struct failure *failure) {
  struct streams *streams = calloc(1, sizeof *streams);
  if (streams == NULL) return fail(failure, RESOURCE_EXHAUSTED, "Cannot open streams: no memory");
  streams->loop = loop;
  streams->terminal = request->terminal;
  streams->hold = streams->master = streams->logger.ready.source.fd = -1;
  streams->limit.due = drained;
  for (int which = 0; which < 3; which++) streams->child[which] = streams->ours[which] = -1;
  streams->logger.owner = streams;
  streams->logger.told = logger_told;
  streams->logger.ended = streams_changed;
  if (!streams_open_all(streams, reaper, request, failure)) {
    streams_close(streams);
    return false;
  }
  start(streams);
  *opened = streams;
  return true;
}

bool streams_wait(struct streams *streams, void (*ready)(void *data, const struct failure *failure), void *data) {
  if (streams->logger.ready.source.fd < 0 || !logger_is_running(&streams->logger)) return false;
  streams->ready = ready;
  streams->ready_data = data;
  return true;
}

int streams_child_fd(const struct streams *streams, int which) { return streams->child[which]; }

void streams_started(struct streams *streams) {
  for (int which = 0; which < 3; which++) streams_close_fd(&streams->child[which]);
  for (int which = 1; which < 3; which++) {
    if (streams->ours[which] >= 0) start_output(streams, which, streams->ours[which], TAP_PIPE);
    streams->ours[which] = -1;
  }
}

int streams_console(struct streams *streams, int master) {
  streams->master = master;
  int flags = fcntl(master, F_GETFL);
  if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(master, F_SETFD, FD_CLOEXEC) < 0) return -errno;
  int reading = fcntl(master, F_DUPFD_CLOEXEC, 3);
  if (reading < 0) return -errno;
  int writing = streams->wants[0] ? fcntl(master, F_DUPFD_CLOEXEC, 3) : -1;
  if (writing >= 0) start_input(streams, writing);
  start_output(streams, 1, reading, TAP_TERMINAL);
  return 0;
}

int streams_resize(struct streams *streams, unsigned width, unsigned height) {
  struct winsize size = { .ws_col = (unsigned short)width, .ws_row = (unsigned short)height };
  if (streams->master < 0) return 0;
  return ioctl(streams->master, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

void streams_close_stdin(struct streams *streams) {
  streams->lets_go = true;
  streams_close_fd(&streams->hold);
  if (streams->board != NULL) board_end_input(streams->board);
}

void streams_process_ended(struct streams *streams) {
  if (streams->terminal) relay_finish(&streams->relays[1]);
  if (streams->board == NULL) return;
  if (streams->terminal) board_finish(streams->board);
  else board_process_ended(streams->board);
}

void streams_finish(struct streams *streams, void (*finished)(void *data), void *data) {
  streams->finished = finished;
  streams->data = data;
  if (streams->board != NULL) board_process_ended(streams->board);
  timer_set(streams->loop, &streams->limit, all_over(streams) ? 0 : STREAMS_DRAIN);
}

void streams_close(struct streams *streams) {
  if (streams == NULL) return;
  timer_clear(streams->loop, &streams->limit);
  for (int which = 0; which < 3; which++) {
    streams_close_fd(&streams->child[which]);
    streams_close_fd(&streams->ours[which]);
    relay_close(&streams->relays[which]);
  }
  streams_close_fd(&streams->hold);
  streams_close_fd(&streams->master);
  free(streams->stdin_path);
  if (streams->board != NULL) board_close(streams->board);
  free(streams->board);
  logger_close(&streams->logger);
  free(streams);
}
