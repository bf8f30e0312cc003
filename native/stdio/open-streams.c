#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "berth-uri.h"
#include "streams-state.h"
#include "uri.h"

static bool no_memory(struct failure *failure) {
  return fail(failure, RESOURCE_EXHAUSTED, "Cannot open streams: no memory");
}

/* A pipe between the process, which has its end as 0, 1 or 2, and us. */
static bool open_pipe(struct streams *streams, int which, const struct stream_request *request, struct failure *failure) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail(failure, UNKNOWN, "Cannot make a pipe: %s", strerror(errno));
  streams->child[which] = ends[which == 0 ? 0 : 1];
  streams->ours[which] = ends[which == 0 ? 1 : 0];
  if (request->uid == 0 && request->gid == 0) return true;
  return fchown(streams->child[which], request->uid, request->gid) == 0 ||
         fail(failure, UNKNOWN, "Cannot give a pipe to user %u: %s", (unsigned)request->uid, strerror(errno));
}

static bool open_null(int *fd, struct failure *failure) {
  *fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  return *fd >= 0 || fail(failure, UNKNOWN, "Cannot open \"/dev/null\": %s", strerror(errno));
}

/* The process's three descriptors, and our ends of its pipes, which never make us wait. */
static bool open_child(struct streams *streams, const struct stream_request *request, struct failure *failure) {
  for (int which = 0; which < 3; which++) {
    if (streams->child[which] >= 0) continue;
    bool opened = streams->wants[which] ? open_pipe(streams, which, request, failure)
                                        : open_null(&streams->child[which], failure);
    if (!opened) return false;
    if (streams->ours[which] >= 0) (void)fcntl(streams->ours[which], F_SETFL, O_NONBLOCK);
  }
  return true;
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

/* A FIFO or a file for each output. As the Go shim: with file:// for stdout, stderr goes there too. */
static bool open_outputs(struct streams *streams, const char *const texts[3], struct failure *failure) {
  struct uri uri;
  for (int which = 1; which < 3; which++) {
    if (!streams->wants[which]) continue;
    bool follows = which == 2 && streams->wants[1] && uri.scheme == URI_FILE;
    if (!follows && !uri_parse(&uri, texts[which], failure)) return false;
    if (uri.scheme != URI_FIFO && uri.scheme != URI_FILE)
      return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" for stderr: stdout is something else", texts[which]);
    bool is_file = uri.scheme == URI_FILE;
    if (is_file && !make_directories((char *)uri.path, failure)) return false;
    if (!relay_to_path(&streams->relays[which], uri.path, is_file, failure)) return false;
  }
  return true;
}

/* The FIFO that the client writes to, which is opened at the start. */
static bool find_input(struct streams *streams, const char *text, struct failure *failure) {
  struct uri uri;
  if (!uri_parse(&uri, text, failure)) return false;
  if (uri.scheme == URI_NONE) return true;
  if (uri.scheme != URI_FIFO)
    return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" for stdin: it must be a FIFO", text);
  if (access(uri.path, R_OK) < 0)
    return fail(failure, errno == ENOENT ? NOT_FOUND : UNKNOWN, "Cannot open \"%s\" for stdin: %s", text, strerror(errno));
  streams->stdin_path = strdup(uri.path);
  return streams->stdin_path != NULL || no_memory(failure);
}

/* The logger has both pipes; we keep the process's ends, or with a terminal the one that we write to. */
static bool open_logger(struct streams *streams, const struct uri *uri, const struct stream_request *request,
                        struct failure *failure) {
  streams->wants[1] = streams->wants[2] = true;
  for (int which = 1; which < 3; which++)
    if (!open_pipe(streams, which, request, failure)) return false;
  struct logger_request asked = { .uri = uri, .id = request->id, .namespace = request->namespace };
  for (int i = 0; i < 2; i++) asked.fds[i] = streams->ours[1 + i];
  bool started = logger_start(&streams->logger, &asked, failure);
  for (int which = 1; which < 3; which++) streams_close_fd(&streams->ours[which]);
  if (!started || !streams->terminal) return started;
  (void)fcntl(streams->child[1], F_SETFL, O_NONBLOCK);
  relay_to(&streams->relays[1], streams->child[1]);
  streams->child[1] = -1;
  streams_close_fd(&streams->child[2]);
  return true;
}

static bool open_board(struct streams *streams, const struct uri *uri, struct failure *failure) {
  struct board_options options;
  if (!berth_uri_options(&options, uri, failure)) return false;
  streams->board = calloc(1, sizeof *streams->board);
  if (streams->board == NULL) return no_memory(failure);
  bool opened = board_open(streams->board, streams->loop, &options, failure);
  streams->board->owner = streams;
  streams->board->over = streams_changed;
  return opened;
}

/* With berth:// the same URI stands for each stream that is wanted. */
static bool check_same(const char *text, const char *const texts[3], struct failure *failure) {
  for (int which = 0; which < 3; which++)
    if (texts[which] != NULL && *texts[which] != '\0' && strcmp(texts[which], text) != 0)
      return fail(failure, INVALID_ARGUMENT, "Cannot use \"%s\" beside \"%s\": berth:// is for all streams or none",
                  texts[which], text);
  return true;
}

static bool open_by_scheme(struct streams *streams, const struct stream_request *request, const char *const texts[3],
                           struct failure *failure) {
  struct uri uri;
  const char *text = streams->wants[1] ? texts[1] : streams->wants[2] ? texts[2] : texts[0];
  if (!uri_parse(&uri, text, failure)) return false;
  if (uri.scheme == URI_BERTH) return check_same(text, texts, failure) && open_board(streams, &uri, failure);
  if (!find_input(streams, texts[0], failure)) return false;
  if (uri.scheme == URI_BINARY) return open_logger(streams, &uri, request, failure);
  return open_outputs(streams, texts, failure);
}

static void relay_over(struct relay *relay) { streams_changed(relay->owner); }

bool streams_open_all(struct streams *streams, struct reaper *reaper, const struct stream_request *request,
                      struct failure *failure) {
  const char *texts[] = { request->stdin_uri, request->stdout_uri, request->terminal ? NULL : request->stderr_uri };
  streams->logger.loop = streams->loop;
  streams->logger.reaper = reaper;
  for (int which = 0; which < 3; which++) {
    streams->wants[which] = texts[which] != NULL && *texts[which] != '\0';
    if (relay_begin(&streams->relays[which], streams->loop, streams, relay_over) != 0) return no_memory(failure);
  }
  if (!open_by_scheme(streams, request, texts, failure)) return false;
  return streams->terminal || open_child(streams, request, failure);
}
