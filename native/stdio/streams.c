#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay.h"
#include "uri.h"

/* What a pipe of output holds at most; more than the usual 64 KiB means fewer turns. */
enum { PIPE_SIZE = 256 * 1024 };

struct streams {
  struct loop *loop;
  struct reaper *reaper;
  bool terminal;
  int child[3];  /* the process's ends */
  int ours[3];   /* our ends, until they belong to a relay */
  int hold;      /* our own writing end of the FIFO of stdin */
  int master;    /* of the terminal, for its size */
  int stdin_fifo; /* until the terminal is there */
  struct relay relays[3];
  struct timer limit;
  void (*finished)(void *data);
  void *data;
};

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static bool all_over(const struct streams *streams) {
  for (int which = 1; which < 3; which++)
    if (tap_is_open(&streams->relays[which].from)) return false;
  return true;
}

static void finish(struct timer *timer) {
  struct streams *streams = holder_of(timer, struct streams, limit);
  void (*finished)(void *) = streams->finished;
  void *data = streams->data;
  streams_close(streams);
  finished(data);
}

static void output_over(struct relay *relay) {
  struct streams *streams = relay->owner;
  if (streams->finished != NULL && all_over(streams)) timer_set(streams->loop, &streams->limit, 0);
}

static bool open_null(int *fd, struct failure *failure) {
  *fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  return *fd >= 0 || fail(failure, UNKNOWN, "Cannot open \"/dev/null\": %s", strerror(errno));
}

/* A pipe between the process, which has its end as 0, 1 or 2, and us. */
static bool open_pipe(struct streams *streams, int which, const struct stream_request *request, struct failure *failure) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail(failure, UNKNOWN, "Cannot make a pipe: %s", strerror(errno));
  streams->child[which] = ends[which == 0 ? 0 : 1];
  streams->ours[which] = ends[which == 0 ? 1 : 0];
  (void)fcntl(streams->ours[which], F_SETFL, O_NONBLOCK);
  if (which > 0) (void)fcntl(streams->ours[which], F_SETPIPE_SZ, PIPE_SIZE);
  if (request->uid == 0 && request->gid == 0) return true;
  return fchown(streams->child[which], request->uid, request->gid) == 0 ||
         fail(failure, UNKNOWN, "Cannot give a pipe to user %u: %s", (unsigned)request->uid, strerror(errno));
}

/* `path` is ours to change. */
static bool make_directories(char *path, struct failure *failure) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool made = mkdir(path, 0755) == 0 || errno == EEXIST;
    if (!made) fail(failure, UNKNOWN, "Cannot make the directory \"%s\": %s", path, strerror(errno));
    *slash = '/';
    if (!made) return false;
  }
  return true;
}

static bool open_output(struct streams *streams, int which, const char *text, struct failure *failure) {
  struct uri uri;
  if (!uri_parse(&uri, text, failure)) return false;
  if (uri.scheme == URI_NONE) return true;
  if (uri.scheme != URI_FIFO && uri.scheme != URI_FILE)
    return fail(failure, UNIMPLEMENTED, "Cannot use \"%s\" for a stream: not there yet", text);
  bool is_file = uri.scheme == URI_FILE;
  if (is_file && !make_directories((char *)uri.path, failure)) return false;
  return relay_to_path(&streams->relays[which], uri.path, is_file, failure);
}

/* The FIFO that the client writes to. We hold it open for writing too, so that it ends by CloseIO only. */
static bool open_input(struct streams *streams, const char *text, struct failure *failure) {
  struct uri uri;
  if (!uri_parse(&uri, text, failure)) return false;
  if (uri.scheme == URI_NONE) return true;
  if (uri.scheme != URI_FIFO)
    return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" for stdin: it must be a FIFO", text);
  streams->stdin_fifo = open(uri.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  if (streams->stdin_fifo < 0 || fstat(streams->stdin_fifo, &status) < 0)
    return fail(failure, errno == ENOENT ? NOT_FOUND : UNKNOWN, "Cannot open \"%s\" for stdin: %s", text, strerror(errno));
  if (S_ISFIFO(status.st_mode)) streams->hold = open(uri.path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  return true;
}

static bool is_wanted(const char *uri) { return uri != NULL && *uri != '\0'; }

static bool open_all(struct streams *streams, const struct stream_request *request, struct failure *failure) {
  const char *uris[] = { request->stdin_uri, request->stdout_uri, streams->terminal ? NULL : request->stderr_uri };
  for (int which = 0; which < 3; which++)
    if (relay_begin(&streams->relays[which], streams->loop, streams, output_over) != 0)
      return fail(failure, RESOURCE_EXHAUSTED, "Cannot open streams: no memory");
  if (!open_input(streams, uris[0], failure)) return false;
  for (int which = 1; which < 3; which++)
    if (!open_output(streams, which, uris[which], failure)) return false;
  for (int which = 0; which < 3 && !streams->terminal; which++) {
    bool opened = is_wanted(uris[which]) ? open_pipe(streams, which, request, failure)
                                         : open_null(&streams->child[which], failure);
    if (!opened) return false;
  }
  return true;
}

static void input_over(struct relay *relay) {
  struct streams *streams = relay->owner;
  /* As the Go shim: the end of a terminal's input hangs it up. */
  if (streams->terminal) {
    close_fd(&streams->master);
    relay_finish(&streams->relays[1]);
  }
}

static void start_input(struct streams *streams, int to) {
  if (streams->stdin_fifo < 0) return;
  relay_to(&streams->relays[0], to);
  streams->relays[0].over = input_over;
  streams->relays[0].keeps_when_broken = true;
  relay_from(&streams->relays[0], streams->stdin_fifo, TAP_PIPE);
  streams->stdin_fifo = -1;
}

/* Without a terminal everything is there to begin with. */
static void start(struct streams *streams) {
  if (streams->ours[0] >= 0) start_input(streams, streams->ours[0]);
  for (int which = 1; which < 3; which++)
    if (streams->ours[which] >= 0) relay_from(&streams->relays[which], streams->ours[which], TAP_PIPE);
  for (int which = 0; which < 3; which++) streams->ours[which] = -1;
}

bool streams_open(struct streams **opened, struct loop *loop, struct reaper *reaper, const struct stream_request *request,
                  struct failure *failure) {
  struct streams *streams = calloc(1, sizeof *streams);
  if (streams == NULL) return fail(failure, RESOURCE_EXHAUSTED, "Cannot open streams: no memory");
  *streams = (struct streams){ .loop = loop, .reaper = reaper, .terminal = request->terminal, .hold = -1, .master = -1 };
  streams->stdin_fifo = -1;
  streams->limit.due = finish;
  for (int which = 0; which < 3; which++) streams->child[which] = streams->ours[which] = -1;
  if (!open_all(streams, request, failure)) {
    streams_close(streams);
    return false;
  }
  start(streams);
  *opened = streams;
  return true;
}

bool streams_wait(struct streams *streams, void (*ready)(void *data, const struct failure *failure), void *data) {
  (void)streams, (void)ready, (void)data;
  return false;
}

int streams_child_fd(const struct streams *streams, int which) { return streams->child[which]; }

void streams_started(struct streams *streams) {
  for (int which = 0; which < 3; which++) close_fd(&streams->child[which]);
}

int streams_console(struct streams *streams, int master) {
  streams->master = master;
  int reading = fcntl(master, F_DUPFD_CLOEXEC, 3);
  int writing = streams->stdin_fifo < 0 ? -1 : fcntl(master, F_DUPFD_CLOEXEC, 3);
  int flags = fcntl(master, F_GETFL);
  if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0 || reading < 0) return -errno;
  (void)fcntl(master, F_SETFD, FD_CLOEXEC);
  if (writing >= 0) start_input(streams, writing);
  relay_from(&streams->relays[1], reading, TAP_TERMINAL);
  return 0;
}

int streams_resize(struct streams *streams, unsigned width, unsigned height) {
  struct winsize size = { .ws_col = (unsigned short)width, .ws_row = (unsigned short)height };
  if (streams->master < 0) return 0;
  return ioctl(streams->master, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

void streams_close_stdin(struct streams *streams) { close_fd(&streams->hold); }

void streams_process_ended(struct streams *streams) {
  if (streams->terminal) relay_finish(&streams->relays[1]);
}

void streams_finish(struct streams *streams, void (*finished)(void *data), void *data) {
  streams->finished = finished;
  streams->data = data;
  timer_set(streams->loop, &streams->limit, all_over(streams) ? 0 : STREAMS_DRAIN);
}

void streams_close(struct streams *streams) {
  if (streams == NULL) return;
  timer_clear(streams->loop, &streams->limit);
  for (int which = 0; which < 3; which++) {
    close_fd(&streams->child[which]);
    close_fd(&streams->ours[which]);
    relay_close(&streams->relays[which]);
  }
  close_fd(&streams->hold);
  close_fd(&streams->master);
  close_fd(&streams->stdin_fifo);
  free(streams);
}
